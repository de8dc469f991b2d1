COMMENT ON CONSTRAINT "positive" ON "public"."t" IS 'no debts';
