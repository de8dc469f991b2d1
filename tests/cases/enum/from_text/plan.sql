ALTER TABLE "public"."t" ALTER COLUMN "m" DROP DEFAULT;

-- asks: change-type:t.m
ALTER TABLE "public"."t" ALTER COLUMN "m" TYPE "public"."mood" USING "m"::"public"."mood";

ALTER TABLE "public"."t" ALTER COLUMN "m" SET DEFAULT 'ok'::public.mood;

-- asks: change-type:t.n
ALTER TABLE "public"."t" ALTER COLUMN "n" TYPE "public"."mood"[] USING "n"::"public"."mood"[];
