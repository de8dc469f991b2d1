COMMENT ON COLUMN "public"."t"."a" IS 'a number';
