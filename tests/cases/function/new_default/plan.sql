CREATE OR REPLACE FUNCTION public.f(a integer)
 RETURNS integer
 LANGUAGE sql
 IMMUTABLE
AS $function$ select a + 1 $function$;

ALTER TABLE "public"."t" ALTER COLUMN "id" SET DEFAULT public.f(1);
