DROP INDEX "public"."i";

-- asks: drop-column:t.a
ALTER TABLE "public"."t" DROP COLUMN "a";

ALTER TABLE "public"."t" ADD COLUMN "a" date DEFAULT now() NOT NULL;

-- hazard: add-index:t.i
CREATE INDEX "i" ON "public"."t" ("a");
