-- hazard: detach:own
ALTER TABLE "public"."own" NO INHERIT "public"."stamped";

-- hazard: attach:own
ALTER TABLE "public"."own" INHERIT "public"."named";
