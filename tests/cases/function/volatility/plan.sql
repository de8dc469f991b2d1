CREATE OR REPLACE FUNCTION public.f(a integer)
 RETURNS integer
 LANGUAGE sql
 STABLE PARALLEL SAFE STRICT COST 7
 SET search_path TO 'public'
AS $function$ select a + 1 $function$;
