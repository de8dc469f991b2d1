-- asks: drop-column:t.b
ALTER TABLE "public"."t" DROP COLUMN "b";

DROP DOMAIN "public"."d";

ALTER TYPE "public"."mood" RENAME TO "mood_old";

CREATE TYPE "public"."mood" AS ENUM ('b', 'a');

CREATE DOMAIN "public"."d" AS "public"."mood";

ALTER TABLE "public"."t" ADD COLUMN "b" "public"."d";

DROP TYPE "public"."mood_old";
