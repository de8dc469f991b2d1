-- asks: change-type:t.a
ALTER TABLE "public"."t" ALTER COLUMN "a" TYPE timestamptz(3) USING "a"::timestamptz;
