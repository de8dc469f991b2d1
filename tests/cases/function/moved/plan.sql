-- hazard: move-function:"f(integer)"
ALTER FUNCTION "public"."f"(integer) SET SCHEMA "other";
