ALTER TABLE "public"."t" ADD CONSTRAINT "f" FOREIGN KEY ("x") REFERENCES "public"."p" ("id") NOT VALID;
