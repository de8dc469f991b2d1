ALTER TABLE "public"."t" DROP CONSTRAINT "u";

-- hazard: add-unique:t.u
ALTER TABLE "public"."t" ADD CONSTRAINT "u" UNIQUE ("a", "b");
