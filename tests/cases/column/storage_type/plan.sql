-- asks: change-type:t.a
ALTER TABLE "public"."t" ALTER COLUMN "a" TYPE varchar(9) USING "a"::varchar;

ALTER TABLE "public"."t" ALTER COLUMN "a" SET STORAGE MAIN;

-- hazard: rewrite:t.b
ALTER TABLE "public"."t" ALTER COLUMN "b" TYPE text USING "b"::text;
