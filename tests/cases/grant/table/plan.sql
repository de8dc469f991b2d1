GRANT SELECT, INSERT ON TABLE "public"."t" TO "pg_monitor";

GRANT ALL ON TABLE "public"."t" TO "pg_read_all_data";

GRANT SELECT ON TABLE "public"."t" TO PUBLIC;
