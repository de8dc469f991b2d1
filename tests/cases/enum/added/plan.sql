CREATE TYPE "public"."mood" AS ENUM ('sad', 'ok', 'happy');

ALTER TABLE "public"."t" ADD COLUMN "m" "public"."mood";
