COMMENT ON DOMAIN "public"."d" IS 'any';
