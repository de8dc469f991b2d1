-- asks: drop-table:t
DROP TABLE "public"."t";

-- asks: drop-enum-value:mood.happy
ALTER TYPE "public"."mood" RENAME TO "mood_old";

CREATE TYPE "public"."mood" AS ENUM ('ok', 'sad');

DROP TYPE "public"."mood_old";
