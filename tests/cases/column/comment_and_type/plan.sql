-- hazard: rewrite:t.a
ALTER TABLE "public"."t" ALTER COLUMN "a" TYPE bigint USING "a"::bigint;

-- asks: not-null:t.a
ALTER TABLE "public"."t" ALTER COLUMN "a" SET NOT NULL;

COMMENT ON COLUMN "public"."t"."a" IS 'a larger number';
