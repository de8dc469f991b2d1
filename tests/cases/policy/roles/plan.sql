ALTER POLICY "p" ON "public"."t" TO "pg_monitor", "pg_read_all_data";
