DROP VIEW "public"."v";

DROP VIEW "public"."w";

ALTER TYPE "public"."mood" RENAME TO "mood_old";

CREATE TYPE "public"."mood" AS ENUM ('b', 'a');

-- hazard: rewrite:t.m
ALTER TABLE "public"."t" ALTER COLUMN "m" TYPE "public"."mood" USING "m"::text::"public"."mood";

CREATE VIEW "public"."v" AS
SELECT t.m
   FROM public.t
  WHERE (t.m <> 'a'::public.mood);

CREATE VIEW "public"."w" AS
SELECT 'b'::public.mood AS m;

DROP TYPE "public"."mood_old";
