DROP FUNCTION "public"."f"(integer);

CREATE OR REPLACE FUNCTION public.f(b integer)
 RETURNS integer
 LANGUAGE sql
 IMMUTABLE
AS $function$ select b + 2 $function$;
