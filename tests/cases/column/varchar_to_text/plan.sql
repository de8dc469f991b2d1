ALTER TABLE "public"."t" DROP CONSTRAINT "t_a_check";

ALTER TABLE "public"."t" ALTER COLUMN "a" DROP DEFAULT;

ALTER TABLE "public"."t" ALTER COLUMN "a" TYPE text USING "a"::text;

ALTER TABLE "public"."t" ALTER COLUMN "a" SET DEFAULT 'x'::text;

-- hazard: add-check:t.t_a_check
ALTER TABLE "public"."t" ADD CONSTRAINT "t_a_check" CHECK ((a <> ''::text));
