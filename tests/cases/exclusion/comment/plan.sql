COMMENT ON CONSTRAINT "x" ON "public"."t" IS 'apart';
