DROP INDEX "public"."t_a_idx";

ALTER TABLE "public"."t" DROP CONSTRAINT "t_a_check";

ALTER TABLE "public"."t" ALTER COLUMN "a" DROP DEFAULT;

-- hazard: rewrite:t.a
ALTER TABLE "public"."t" ALTER COLUMN "a" TYPE text USING "a"::text;

ALTER TABLE "public"."t" ALTER COLUMN "a" SET DEFAULT '5'::text;

-- hazard: add-check:t.t_a_check
ALTER TABLE "public"."t" ADD CONSTRAINT "t_a_check" CHECK ((a > '0'::text));

-- hazard: add-index:t.t_a_idx
CREATE INDEX "t_a_idx" ON "public"."t" ("a") WHERE (a > '1'::text);
