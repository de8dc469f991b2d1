DROP FUNCTION "public"."f"(integer);

CREATE OR REPLACE FUNCTION public.f(a integer)
 RETURNS bigint
 LANGUAGE sql
 IMMUTABLE
AS $function$ select a::bigint + 2 $function$;
