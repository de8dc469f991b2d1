ALTER TYPE "public"."mood" RENAME TO "mood_old";

CREATE TYPE "public"."mood" AS ENUM ('b', 'a');

ALTER DOMAIN "public"."d" RENAME TO "d_old";

CREATE DOMAIN "public"."d" AS "public"."mood";

-- hazard: rewrite:t.b
ALTER TABLE "public"."t" ALTER COLUMN "b" TYPE "public"."d" USING "b"::text::"public"."d";

DROP DOMAIN "public"."d_old";

DROP TYPE "public"."mood_old";
