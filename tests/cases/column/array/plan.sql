ALTER TABLE "public"."t" ALTER COLUMN "a" DROP DEFAULT;

-- hazard: rewrite:t.a
ALTER TABLE "public"."t" ALTER COLUMN "a" TYPE bigint[] USING "a"::bigint[];

ALTER TABLE "public"."t" ALTER COLUMN "a" SET DEFAULT '{}'::bigint[];
