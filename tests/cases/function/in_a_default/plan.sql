ALTER TABLE "public"."t" ALTER COLUMN "a" DROP DEFAULT;

ALTER TABLE "public"."t" ALTER COLUMN "b" DROP DEFAULT;

DROP FUNCTION "public"."f"(integer);

CREATE OR REPLACE FUNCTION public.f(b integer)
 RETURNS integer
 LANGUAGE sql
 IMMUTABLE
AS $function$ select b + 2 $function$;

ALTER TABLE "public"."t" ALTER COLUMN "b" SET DEFAULT public.f(3);

ALTER TABLE "public"."t" ALTER COLUMN "a" SET DEFAULT public.f(1);

ALTER TABLE "public"."t" ALTER COLUMN "b" SET DEFAULT public.f(3);
