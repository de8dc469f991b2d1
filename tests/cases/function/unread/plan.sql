SET LOCAL check_function_bodies = off;

CREATE OR REPLACE FUNCTION public.read_it()
 RETURNS integer
 LANGUAGE sql
AS $function$select n + 1 from elsewhere$function$;
