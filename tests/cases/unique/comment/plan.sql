COMMENT ON CONSTRAINT "t_a_key" ON "public"."t" IS 'one each';
