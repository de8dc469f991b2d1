CREATE SCHEMA "billing";

CREATE TABLE "billing"."t" (
    "a" integer
);

CREATE OR REPLACE FUNCTION billing.f()
 RETURNS integer
 LANGUAGE sql
AS $function$select 1$function$;

GRANT USAGE ON SCHEMA "billing" TO "pg_monitor";

REVOKE EXECUTE ON FUNCTION "billing"."f"() FROM PUBLIC;

GRANT SELECT ON TABLE "billing"."t" TO "pg_monitor";

GRANT SELECT ("a") ON TABLE "billing"."t" TO "pg_read_all_data";
