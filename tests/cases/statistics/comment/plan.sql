COMMENT ON STATISTICS "public"."s" IS 'together';
