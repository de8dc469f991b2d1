ALTER TABLE "public"."t" DROP CONSTRAINT "k";

-- hazard: add-check:t.k
ALTER TABLE "public"."t" ADD CONSTRAINT "k" CHECK ((a > 0)) NO INHERIT;
