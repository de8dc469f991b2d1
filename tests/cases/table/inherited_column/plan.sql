-- asks: drop-column:a.x
ALTER TABLE "public"."a" DROP COLUMN "x";

ALTER TABLE "public"."a" ADD COLUMN "z" integer;
