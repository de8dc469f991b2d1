ALTER TABLE "public"."t" ALTER COLUMN "a" SET INCREMENT BY -1 SET NO MINVALUE SET NO MAXVALUE SET START WITH -1 SET CACHE 1 SET NO CYCLE RESTART;

SELECT setval(pg_get_serial_sequence('"public"."t"', 'b'), 50, false) WHERE coalesce(pg_sequence_last_value(pg_get_serial_sequence('"public"."t"', 'b')), 5) < 50;

ALTER TABLE "public"."t" ALTER COLUMN "b" SET INCREMENT BY 1 SET MINVALUE 50 SET NO MAXVALUE SET START WITH 50 SET CACHE 1 SET NO CYCLE;
