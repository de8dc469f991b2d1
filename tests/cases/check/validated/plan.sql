-- hazard: validate:t.k
ALTER TABLE "public"."t" VALIDATE CONSTRAINT "k";
