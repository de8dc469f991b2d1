ALTER TABLE "public"."t" ALTER COLUMN "a" DROP DEFAULT;

-- asks: change-type:t.a
ALTER TABLE "public"."t" ALTER COLUMN "a" TYPE jsonb USING "a"::jsonb;

ALTER TABLE "public"."t" ALTER COLUMN "a" SET DEFAULT '{}'::jsonb;
