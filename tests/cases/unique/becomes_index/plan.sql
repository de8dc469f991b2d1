-- asks: drop-unique:t.u
ALTER TABLE "public"."t" DROP CONSTRAINT "u";

-- hazard: add-index:t.u
CREATE UNIQUE INDEX "u" ON "public"."t" ("a");
