-- hazard: revoke:t.pg_monitor
REVOKE INSERT, DELETE ON TABLE "public"."t" FROM "pg_monitor";

GRANT UPDATE ON TABLE "public"."t" TO "pg_monitor";

-- hazard: revoke:t.pg_read_all_data
REVOKE ALL ON TABLE "public"."t" FROM "pg_read_all_data";

GRANT SELECT, TRUNCATE, REFERENCES, TRIGGER ON TABLE "public"."t" TO "pg_read_all_data";
