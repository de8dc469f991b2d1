-- hazard: add-foreign-key:t.f
ALTER TABLE "public"."t" ADD CONSTRAINT "f" FOREIGN KEY ("x") REFERENCES "s"."p" ("id");
