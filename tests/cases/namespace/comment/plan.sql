COMMENT ON SCHEMA "other" IS 'elsewhere';
