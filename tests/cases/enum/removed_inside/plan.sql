ALTER TYPE "public"."mood" RENAME TO "mood_old";

CREATE TYPE "public"."mood" AS ENUM ('ok', 'happy', 'sad');

ALTER DOMAIN "public"."d" RENAME TO "d_old";

CREATE DOMAIN "public"."d" AS "public"."mood";

ALTER TYPE "public"."c" RENAME TO "c_old";

CREATE TYPE "public"."c" AS ("m" "public"."mood", "n" integer);

ALTER TYPE "public"."e" RENAME TO "e_old";

CREATE TYPE "public"."e" AS ("c" "public"."c", "d" "public"."d");

-- hazard: rewrite:t.m
ALTER TABLE "public"."t" ALTER COLUMN "m" TYPE "public"."mood" USING "m"::text::"public"."mood";

-- hazard: rewrite:t.d
ALTER TABLE "public"."t" ALTER COLUMN "d" TYPE "public"."d" USING "d"::text::"public"."d";

-- hazard: rewrite:t.c
ALTER TABLE "public"."t" ALTER COLUMN "c" TYPE "public"."c" USING "c"::text::"public"."c";

-- hazard: rewrite:t.many
ALTER TABLE "public"."t" ALTER COLUMN "many" TYPE "public"."c"[] USING "many"::text[]::"public"."c"[];

-- hazard: rewrite:t.e
ALTER TABLE "public"."t" ALTER COLUMN "e" TYPE "public"."e" USING "e"::text::"public"."e";

DROP TYPE "public"."e_old";

DROP DOMAIN "public"."d_old";

DROP TYPE "public"."c_old";

DROP TYPE "public"."mood_old";
