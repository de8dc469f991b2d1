ALTER TABLE "public"."t" DROP CONSTRAINT "x";

-- hazard: add-exclusion:t.x
ALTER TABLE "public"."t" ADD CONSTRAINT "x" EXCLUDE USING gist (a WITH &&) WHERE ((b > 0));
