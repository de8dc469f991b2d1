-- hazard: revoke:t."a.pg_monitor"
REVOKE UPDATE ("a") ON TABLE "public"."t" FROM "pg_monitor";

GRANT ALL ("a") ON TABLE "public"."t" TO "pg_read_all_data" WITH GRANT OPTION;

GRANT SELECT ("b"), INSERT ("b") ON TABLE "public"."t" TO "pg_monitor";
