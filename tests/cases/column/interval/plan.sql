-- asks: change-type:t.a
ALTER TABLE "public"."t" ALTER COLUMN "a" TYPE interval(3) USING "a"::interval(3);
