-- hazard: revoke:"function f(integer, text, integer[])".pg_monitor
REVOKE EXECUTE ON FUNCTION "public"."f"(integer, text, integer[]) FROM "pg_monitor";

GRANT EXECUTE ON FUNCTION "public"."agg"(integer) TO "pg_monitor";

GRANT EXECUTE ON FUNCTION "public"."agg"(integer) TO "pg_read_all_data";

-- hazard: revoke:"aggregate agg(integer)".public
REVOKE EXECUTE ON FUNCTION "public"."agg"(integer) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."f"() TO "pg_monitor";

GRANT EXECUTE ON FUNCTION "public"."f"() TO "pg_read_all_data";

GRANT EXECUTE ON FUNCTION "public"."f"(integer, text, integer[]) TO "pg_read_all_data";

-- hazard: revoke:"function f(integer, text, integer[])".public
REVOKE EXECUTE ON FUNCTION "public"."f"(integer, text, integer[]) FROM PUBLIC;

-- hazard: revoke:"procedure p(integer)".public
REVOKE EXECUTE ON PROCEDURE "public"."p"(integer) FROM PUBLIC;
