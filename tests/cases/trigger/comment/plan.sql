COMMENT ON TRIGGER "g" ON "public"."t" IS 'fills';
