GRANT SELECT ON TABLE "public"."p" TO "pg_monitor";

GRANT SELECT ON TABLE "public"."p1" TO "pg_monitor";

GRANT UPDATE ("a") ON TABLE "public"."p1" TO "pg_monitor";
