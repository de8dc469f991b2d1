-- hazard: add-enum-value:mood.elated
ALTER TYPE "public"."mood" ADD VALUE 'elated';

-- the next transaction

ALTER TABLE "public"."t" ALTER COLUMN "m" SET DEFAULT 'elated'::public.mood;

-- hazard: add-check:t.t_check
ALTER TABLE "public"."t" ADD CONSTRAINT "t_check" CHECK (((m <> 'elated'::public.mood) OR (id > 0)));
