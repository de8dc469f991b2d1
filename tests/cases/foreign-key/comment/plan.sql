COMMENT ON CONSTRAINT "t_a_fkey" ON "public"."t" IS 'whose it is';
