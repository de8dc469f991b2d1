GRANT USAGE, SELECT ON SEQUENCE "public"."s" TO "pg_monitor";

GRANT ALL ON SEQUENCE "public"."s" TO "pg_read_all_data";

DO $$BEGIN EXECUTE format('GRANT SELECT ON SEQUENCE %s TO "pg_monitor" WITH GRANT OPTION', pg_get_serial_sequence('"public"."t"', 'id')); END$$;

DO $$BEGIN EXECUTE format('GRANT ALL ON SEQUENCE %s TO "pg_read_all_data"', pg_get_serial_sequence('"public"."t"', 'id')); END$$;

DO 'BEGIN EXECUTE format(''GRANT ALL ON SEQUENCE %s TO "pg_read_all_data"'', pg_get_serial_sequence(''"public"."t"'', ''o''''$'')); END';

GRANT ALL ON SEQUENCE "public"."t_n_seq" TO "pg_read_all_data";
