ALTER TABLE "public"."t" DROP CONSTRAINT "f";

-- hazard: add-foreign-key:t.f
ALTER TABLE "public"."t" ADD CONSTRAINT "f" FOREIGN KEY ("x") REFERENCES "public"."p" ("id") ON DELETE RESTRICT;
