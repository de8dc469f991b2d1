DROP INDEX "public"."i";

-- hazard: add-index:m.i
CREATE INDEX "i" ON "public"."m" ("a");
