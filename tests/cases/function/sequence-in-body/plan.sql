CREATE SEQUENCE "public"."numbers";

CREATE OR REPLACE FUNCTION public.number()
 RETURNS bigint
 LANGUAGE sql
AS $function$ select nextval('numbers') $function$;
