ALTER TABLE ONLY "public"."notes" ALTER COLUMN "a" SET STATISTICS -1;

ALTER TABLE ONLY "public"."notes" ALTER COLUMN "a" RESET (n_distinct);

ALTER TABLE ONLY "public"."notes" ALTER COLUMN "a" SET (n_distinct_inherited=3);

ALTER TABLE ONLY "public"."notes" ALTER COLUMN "b" SET STATISTICS 0;

ALTER TABLE "public"."notes" ADD COLUMN "d" integer;

ALTER TABLE ONLY "public"."notes" ALTER COLUMN "d" SET STATISTICS 10;

ALTER TABLE ONLY "public"."notes" ALTER COLUMN "d" SET (n_distinct=-0.5);
