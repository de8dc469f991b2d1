-- asks: drop-attribute:c.d
ALTER TYPE "public"."c" DROP ATTRIBUTE "d";

ALTER TYPE "public"."c" ADD ATTRIBUTE "f" integer;

-- asks: change-type:c.a
-- asks: change-type:c.b
ALTER TYPE "public"."c" RENAME TO "c_old";

CREATE TYPE "public"."c" AS ("a" bigint, "b" varchar(20), "f" integer);

ALTER TYPE "public"."e" RENAME TO "e_old";

CREATE TYPE "public"."e" AS ("c" "public"."c", "n" integer);

-- hazard: rewrite:t.c
ALTER TABLE "public"."t" ALTER COLUMN "c" TYPE "public"."c" USING "c"::text::"public"."c";

-- hazard: rewrite:t.many
ALTER TABLE "public"."t" ALTER COLUMN "many" TYPE "public"."c"[] USING "many"::text[]::"public"."c"[];

-- hazard: rewrite:u.e
ALTER TABLE "public"."u" ALTER COLUMN "e" TYPE "public"."e" USING "e"::text::"public"."e";

DROP TYPE "public"."e_old";

DROP TYPE "public"."c_old";
