CREATE OR REPLACE FUNCTION public.add(integer, integer)
 RETURNS integer
 LANGUAGE sql
 IMMUTABLE
AS $function$select $1 + $2$function$;

CREATE OR REPLACE AGGREGATE public.total(integer) (SFUNC = public.add, STYPE = integer, COMBINEFUNC = public.add, INITCOND = '0', PARALLEL = SAFE);
