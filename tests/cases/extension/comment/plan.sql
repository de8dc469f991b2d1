COMMENT ON EXTENSION "citext" IS 'my own words';
