DROP INDEX "public"."i";

ALTER TABLE "public"."t" ADD COLUMN "b" integer;

-- hazard: add-index:t.i
CREATE INDEX "i" ON "public"."t" ("a", "b");

COMMENT ON INDEX "public"."i" IS 'for the list';
