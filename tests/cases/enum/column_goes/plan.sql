-- asks: drop-column:t.m
ALTER TABLE "public"."t" DROP COLUMN "m";

-- asks: drop-enum-value:mood.happy
ALTER TYPE "public"."mood" RENAME TO "mood_old";

CREATE TYPE "public"."mood" AS ENUM ('sad', 'ok');

DROP TYPE "public"."mood_old";
