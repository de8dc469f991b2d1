GRANT USAGE ON SCHEMA "billing" TO "pg_monitor";

GRANT ALL ON SCHEMA "billing" TO "pg_read_all_data";

GRANT USAGE ON SCHEMA "public" TO "pg_monitor";

-- hazard: revoke:"namespace public".public
REVOKE USAGE ON SCHEMA "public" FROM PUBLIC;

GRANT SELECT ON TABLE "billing"."t" TO "pg_monitor";
