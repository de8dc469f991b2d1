-- hazard: add-index:t.i
CREATE INDEX "i" ON "public"."t" ("a");
