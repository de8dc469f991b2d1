DROP FUNCTION "public"."f"(integer);

CREATE OR REPLACE FUNCTION public.f(b integer)
 RETURNS integer
 LANGUAGE sql
AS $function$select 1$function$;

GRANT EXECUTE ON FUNCTION "public"."f"(integer) TO "pg_read_all_data";

GRANT EXECUTE ON FUNCTION "public"."f"(integer) TO "pg_monitor";

REVOKE EXECUTE ON FUNCTION "public"."f"(integer) FROM PUBLIC;
