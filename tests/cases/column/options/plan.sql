ALTER TABLE ONLY "public"."t" ALTER COLUMN "a" SET (n_distinct=5);
