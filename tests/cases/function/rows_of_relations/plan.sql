CREATE TABLE "public"."zones" (
    "id" integer
);

CREATE OR REPLACE FUNCTION public.first(z public.zones DEFAULT NULL::public.zones)
 RETURNS integer
 LANGUAGE plpgsql
AS $function$begin end$function$;

CREATE VIEW "public"."zone_names" AS
SELECT zones.id
   FROM public.zones;

CREATE OR REPLACE FUNCTION public.areas(public.zone_names)
 RETURNS SETOF public.zones
 LANGUAGE plpgsql
AS $function$begin end$function$;
