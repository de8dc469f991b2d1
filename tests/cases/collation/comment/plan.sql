COMMENT ON COLLATION "public"."c" IS 'by bytes';
