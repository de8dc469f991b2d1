ALTER TABLE "public"."own" NO INHERIT "public"."stamped";

ALTER TABLE "public"."own" INHERIT "public"."named";
