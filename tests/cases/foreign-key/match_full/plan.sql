ALTER TABLE "public"."t" DROP CONSTRAINT "f";

-- hazard: add-foreign-key:t.f
ALTER TABLE "public"."t" ADD CONSTRAINT "f" FOREIGN KEY ("x", "y") REFERENCES "public"."p" ("a", "b") MATCH FULL;
