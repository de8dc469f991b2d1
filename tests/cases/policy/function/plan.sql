DROP POLICY "p" ON "public"."t";

DROP FUNCTION "public"."f"();

CREATE OR REPLACE FUNCTION public.f(OUT b boolean)
 RETURNS boolean
 LANGUAGE sql
AS $function$select true$function$;

CREATE POLICY "p" ON "public"."t" USING (public.f());
