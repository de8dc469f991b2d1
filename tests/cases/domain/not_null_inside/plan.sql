-- hazard: constrain-domain:d
ALTER DOMAIN "public"."d" RENAME TO "d_old";

CREATE DOMAIN "public"."d" AS integer NOT NULL CONSTRAINT "d_check" CHECK ((VALUE > 0));

ALTER TYPE "public"."c" RENAME TO "c_old";

CREATE TYPE "public"."c" AS ("a" "public"."d");

-- hazard: rewrite:t.d
ALTER TABLE "public"."t" ALTER COLUMN "d" TYPE "public"."d" USING "d"::text::"public"."d";

-- hazard: rewrite:t.many
ALTER TABLE "public"."t" ALTER COLUMN "many" TYPE "public"."d"[] USING "many"::text[]::"public"."d"[];

-- hazard: rewrite:t.c
ALTER TABLE "public"."t" ALTER COLUMN "c" TYPE "public"."c" USING "c"::text::"public"."c";

DROP TYPE "public"."c_old";

DROP DOMAIN "public"."d_old";
