DROP VIEW "public"."v";

ALTER TABLE "public"."t" DROP CONSTRAINT "t_b_check";

-- asks: change-type:d
ALTER DOMAIN "public"."d" RENAME TO "d_old";

CREATE DOMAIN "public"."d" AS bigint;

ALTER TABLE "public"."t" ALTER COLUMN "b" DROP DEFAULT;

-- hazard: rewrite:t.b
ALTER TABLE "public"."t" ALTER COLUMN "b" TYPE "public"."d" USING "b"::text::"public"."d";

ALTER TABLE "public"."t" ALTER COLUMN "b" SET DEFAULT 7;

-- hazard: rewrite:t.c
ALTER TABLE "public"."t" ALTER COLUMN "c" TYPE "public"."d"[] USING "c"::text[]::"public"."d"[];

-- hazard: add-check:t.t_b_check
ALTER TABLE "public"."t" ADD CONSTRAINT "t_b_check" CHECK (((b)::bigint > 0));

CREATE VIEW "public"."v" AS
SELECT t.b
   FROM public.t;

DROP DOMAIN "public"."d_old";
