DROP INDEX "public"."i";

-- hazard: add-index:t.i
CREATE INDEX "i" ON "public"."t" ("b" text_pattern_ops);
