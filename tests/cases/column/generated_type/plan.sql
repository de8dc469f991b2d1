ALTER TABLE "public"."t" DROP COLUMN "c";

-- hazard: rewrite:t.a
ALTER TABLE "public"."t" ALTER COLUMN "a" TYPE bigint USING "a"::bigint;

-- hazard: rewrite:t.c
ALTER TABLE "public"."t" ADD COLUMN "c" bigint GENERATED ALWAYS AS ((a + 1)) STORED;
