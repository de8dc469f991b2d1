CREATE OR REPLACE FUNCTION public.f(a text, VARIADIC b integer[])
 RETURNS SETOF text
 LANGUAGE plpgsql
AS $function$begin return next a; end$function$;
