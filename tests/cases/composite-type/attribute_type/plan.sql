-- asks: change-type:c.a
ALTER TYPE "public"."c" RENAME TO "c_old";

CREATE TYPE "public"."c" AS ("a" bigint);

DROP TYPE "public"."c_old";
