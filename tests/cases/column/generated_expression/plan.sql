DROP INDEX "public"."i";

ALTER TABLE "public"."t" DROP COLUMN "c";

-- hazard: rewrite:t.c
ALTER TABLE "public"."t" ADD COLUMN "c" integer GENERATED ALWAYS AS ((a + 2)) STORED;

-- hazard: add-index:t.i
CREATE INDEX "i" ON "public"."t" ("c");
