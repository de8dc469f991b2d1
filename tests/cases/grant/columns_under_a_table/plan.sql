REVOKE SELECT ("a") ON TABLE "public"."t" FROM "pg_monitor";

-- hazard: revoke:t.pg_monitor
REVOKE SELECT ON TABLE "public"."t" FROM "pg_monitor";

GRANT REFERENCES ("b") ON TABLE "public"."t" TO "pg_monitor";

GRANT SELECT ("a") ON TABLE "public"."t" TO "pg_monitor";
