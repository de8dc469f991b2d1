SELECT setval('"public"."ahead"', 5, false) WHERE coalesce(pg_sequence_last_value('"public"."ahead"'), 1) < 5;

ALTER SEQUENCE "public"."ahead" AS bigint INCREMENT BY 1 MINVALUE 5 NO MAXVALUE START WITH 5 CACHE 1 NO CYCLE;

ALTER SEQUENCE "public"."apart" AS bigint INCREMENT BY 1 NO MINVALUE NO MAXVALUE START WITH 1 CACHE 1 NO CYCLE RESTART;

SELECT setval('"public"."kept"', 10, false) WHERE coalesce(pg_sequence_last_value('"public"."kept"'), 1) < 10;

SELECT setval('"public"."kept"', 100, true) WHERE coalesce(pg_sequence_last_value('"public"."kept"'), 1) > 100;

ALTER SEQUENCE "public"."kept" AS bigint INCREMENT BY 1 MINVALUE 10 MAXVALUE 100 START WITH 10 CACHE 1 NO CYCLE;

SELECT setval('"public"."narrow"', 32767, true) WHERE coalesce(pg_sequence_last_value('"public"."narrow"'), 1) > 32767;

ALTER SEQUENCE "public"."narrow" AS smallint INCREMENT BY 1 MINVALUE 1 NO MAXVALUE START WITH 1 CACHE 1 NO CYCLE;

SELECT setval('"public"."spent"', 100, true) WHERE coalesce(pg_sequence_last_value('"public"."spent"'), 1) > 100;

ALTER SEQUENCE "public"."spent" AS bigint INCREMENT BY 1 NO MINVALUE MAXVALUE 100 START WITH 1 CACHE 1 CYCLE;
