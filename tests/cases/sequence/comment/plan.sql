COMMENT ON SEQUENCE "public"."s" IS 'numbers';
