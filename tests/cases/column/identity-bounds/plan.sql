SELECT setval(pg_get_serial_sequence('"public"."notes"', 'id'), 5, false) WHERE coalesce(pg_sequence_last_value(pg_get_serial_sequence('"public"."notes"', 'id')), 1) < 5;

SELECT setval(pg_get_serial_sequence('"public"."notes"', 'id'), 100, true) WHERE coalesce(pg_sequence_last_value(pg_get_serial_sequence('"public"."notes"', 'id')), 1) > 100;

ALTER TABLE "public"."notes" ALTER COLUMN "id" SET INCREMENT BY 1 SET MINVALUE 5 SET MAXVALUE 100 SET START WITH 5 SET CACHE 1 SET NO CYCLE;
