-- hazard: detach:t
ALTER TABLE "public"."t" NO INHERIT "public"."p";

-- hazard: attach:t
ALTER TABLE "public"."t" INHERIT "public"."q";
