-- asks: change-type:c.a
ALTER TYPE "public"."c" RENAME TO "c_old";

CREATE TYPE "public"."c" AS ("a" integer, "n" integer);

-- hazard: rewrite:t.c
ALTER TABLE "public"."t" ALTER COLUMN "c" TYPE "public"."c" USING "c"::text::"public"."c";

DROP TYPE "public"."c_old";

-- asks: drop-domain:d
DROP DOMAIN "public"."d";
