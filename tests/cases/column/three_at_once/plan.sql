-- asks: drop-column:t.b
ALTER TABLE "public"."t" DROP COLUMN "b";

-- hazard: rewrite:t.a
ALTER TABLE "public"."t" ALTER COLUMN "a" TYPE bigint USING "a"::bigint;

ALTER TABLE "public"."t" ALTER COLUMN "a" SET DEFAULT 3;

-- asks: not-null:t.a
ALTER TABLE "public"."t" ALTER COLUMN "a" SET NOT NULL;

ALTER TABLE "public"."t" ALTER COLUMN "c" SET DEFAULT now();

ALTER TABLE "public"."t" ADD COLUMN "d" text;
