CREATE TYPE "public"."mood" AS ENUM ('a', 'b');

-- asks: change-type:t.m
ALTER TABLE "public"."t" ALTER COLUMN "m" TYPE "public"."mood" USING "m"::text::"public"."mood";

-- asks: drop-enum:feeling
DROP TYPE "public"."feeling";
