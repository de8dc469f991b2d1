-- hazard: revoke:t.pg_read_all_data
REVOKE ALL ON TABLE "public"."t" FROM "pg_read_all_data";

-- hazard: revoke:t.pg_monitor
REVOKE SELECT ON TABLE "public"."t" FROM "pg_monitor";

GRANT SELECT ("a") ON TABLE "public"."t" TO "pg_monitor";

GRANT SELECT ("b") ON TABLE "public"."t" TO "pg_read_all_data";
