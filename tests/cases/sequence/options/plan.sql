SELECT setval('"public"."s"', 50, false) WHERE coalesce(pg_sequence_last_value('"public"."s"'), 1) > 50;

ALTER SEQUENCE "public"."s" AS integer INCREMENT BY -2 MINVALUE -100 MAXVALUE 50 START WITH 7 CACHE 5 CYCLE;
