-- hazard: rename-enum:mood
ALTER TYPE "public"."mood" RENAME TO "feeling";

ALTER TYPE "public"."feeling" RENAME TO "feeling_old";

CREATE TYPE "public"."feeling" AS ENUM ('happy', 'ok', 'sad');

-- hazard: rewrite:t.m
ALTER TABLE "public"."t" ALTER COLUMN "m" TYPE "public"."feeling" USING "m"::text::"public"."feeling";

DROP TYPE "public"."feeling_old";
