-- asks: drop-function:"f()"
DROP FUNCTION "public"."f"();

CREATE OR REPLACE PROCEDURE public.f()
 LANGUAGE sql
AS $procedure$select 1$procedure$;
