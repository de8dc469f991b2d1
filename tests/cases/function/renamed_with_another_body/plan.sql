-- hazard: rename-function:"f(integer)"
ALTER FUNCTION "public"."f"(integer) RENAME TO "g";

CREATE OR REPLACE FUNCTION public.g(a integer)
 RETURNS integer
 LANGUAGE sql
 IMMUTABLE
AS $function$select a + 1$function$;
