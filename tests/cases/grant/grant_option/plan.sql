GRANT SELECT, INSERT ON TABLE "public"."t" TO "pg_monitor" WITH GRANT OPTION;

-- hazard: revoke:t.pg_read_all_data
REVOKE GRANT OPTION FOR ALL ON TABLE "public"."t" FROM "pg_read_all_data";

GRANT UPDATE ON TABLE "public"."t" TO "pg_read_all_data" WITH GRANT OPTION;
