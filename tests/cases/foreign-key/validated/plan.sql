-- hazard: validate:t.f
ALTER TABLE "public"."t" VALIDATE CONSTRAINT "f";
