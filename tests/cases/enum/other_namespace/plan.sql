ALTER TYPE "order"."mood" RENAME TO "mood_old";

CREATE TYPE "order"."mood" AS ENUM ('b', 'a');

ALTER TABLE "public"."t" ALTER COLUMN "m" DROP DEFAULT;

-- hazard: rewrite:t.m
ALTER TABLE "public"."t" ALTER COLUMN "m" TYPE "order"."mood" USING "m"::text::"order"."mood";

ALTER TABLE "public"."t" ALTER COLUMN "m" SET DEFAULT 'a'::"order".mood;

DROP TYPE "order"."mood_old";
