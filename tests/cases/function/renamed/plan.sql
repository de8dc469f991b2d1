-- hazard: rename-function:"f(integer)"
ALTER FUNCTION "public"."f"(integer) RENAME TO "g";

-- hazard: rename-function:"trig()"
ALTER FUNCTION "public"."trig"() RENAME TO "Trig";

CREATE OR REPLACE FUNCTION public.calls(x integer DEFAULT public.g(3))
 RETURNS integer
 LANGUAGE sql
BEGIN ATOMIC
 SELECT public.g(x) AS g;
END;
