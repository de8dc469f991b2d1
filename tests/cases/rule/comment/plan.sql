COMMENT ON RULE "r" ON "public"."t" IS 'nobody';
