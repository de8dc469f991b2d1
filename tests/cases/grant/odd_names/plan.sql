GRANT SELECT ON TABLE "public"."T.$$ %" TO "pg_monitor";

DO 'BEGIN EXECUTE format(''GRANT USAGE ON SEQUENCE %s TO "pg_monitor"'', pg_get_serial_sequence(''"public"."T.$$ %"'', ''a.b'')); END';

GRANT SELECT ("a.b") ON TABLE "public"."T.$$ %" TO "pg_monitor";
