COMMENT ON POLICY "p" ON "public"."t" IS 'positive ones';
