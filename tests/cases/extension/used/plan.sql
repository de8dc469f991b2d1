CREATE EXTENSION "citext" SCHEMA "public";

ALTER TABLE "public"."t" ADD COLUMN "b" "public"."citext";

ALTER TABLE "public"."t" ADD COLUMN "c" "public"."citext"[];
