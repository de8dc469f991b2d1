DROP INDEX "public"."i";

-- hazard: add-index:t.i
CREATE UNIQUE INDEX "i" ON "public"."t" ("a");
