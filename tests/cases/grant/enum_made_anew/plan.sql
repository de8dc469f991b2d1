-- asks: drop-enum-value:mood.a
ALTER TYPE "public"."mood" RENAME TO "mood_old";

CREATE TYPE "public"."mood" AS ENUM ('b', 'c');

-- hazard: rewrite:t.m
ALTER TABLE "public"."t" ALTER COLUMN "m" TYPE "public"."mood" USING "m"::text::"public"."mood";

GRANT USAGE ON TYPE "public"."mood" TO "pg_monitor";

REVOKE USAGE ON TYPE "public"."mood" FROM PUBLIC;

DROP TYPE "public"."mood_old";
