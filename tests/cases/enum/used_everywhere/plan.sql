DROP INDEX "public"."i";

ALTER TABLE "public"."t" DROP CONSTRAINT "t_m_check";

ALTER TYPE "public"."mood" RENAME TO "mood_old";

CREATE TYPE "public"."mood" AS ENUM ('happy', 'sad', 'ok', 'elated');

ALTER TABLE "public"."t" ALTER COLUMN "m" DROP DEFAULT;

-- hazard: rewrite:t.m
ALTER TABLE "public"."t" ALTER COLUMN "m" TYPE "public"."mood" USING "m"::text::"public"."mood";

ALTER TABLE "public"."t" ALTER COLUMN "m" SET DEFAULT 'ok'::public.mood;

ALTER TABLE "public"."t" ALTER COLUMN "many" DROP DEFAULT;

-- hazard: rewrite:t.many
ALTER TABLE "public"."t" ALTER COLUMN "many" TYPE "public"."mood"[] USING "many"::text[]::"public"."mood"[];

ALTER TABLE "public"."t" ALTER COLUMN "many" SET DEFAULT '{ok,sad}'::public.mood[];

-- hazard: rewrite:u.m
ALTER TABLE "public"."u" ALTER COLUMN "m" TYPE "public"."mood" USING "m"::text::"public"."mood";

-- hazard: add-check:t.t_m_check
ALTER TABLE "public"."t" ADD CONSTRAINT "t_m_check" CHECK ((m <> 'sad'::public.mood));

-- hazard: add-index:t.i
CREATE INDEX "i" ON "public"."t" ("id") WHERE (m = 'happy'::public.mood);

DROP TYPE "public"."mood_old";
