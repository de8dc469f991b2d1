COMMENT ON CONSTRAINT "t_pkey" ON "public"."t" IS 'the key';
