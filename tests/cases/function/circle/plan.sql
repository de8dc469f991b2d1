SET LOCAL check_function_bodies = off;

CREATE OR REPLACE FUNCTION public.down(n integer)
 RETURNS integer
 LANGUAGE plpgsql
AS $function$begin return up(n); end$function$;

CREATE OR REPLACE FUNCTION public.even(n integer)
 RETURNS boolean
 LANGUAGE sql
AS $function$select n = 0 or odd(n - 1)$function$;

CREATE OR REPLACE FUNCTION public.odd(n integer)
 RETURNS boolean
 LANGUAGE sql
AS $function$select n > 0 and even(n - 1)$function$;

CREATE OR REPLACE FUNCTION public.up(n integer)
 RETURNS integer
 LANGUAGE plpgsql
AS $function$begin return down(n); end$function$;
