DROP POLICY "q" ON "public"."t1";

DROP VIEW "public"."v";

-- hazard: rewrite:t.a
ALTER TABLE "public"."t" ALTER COLUMN "a" TYPE bigint USING "a"::bigint;

CREATE VIEW "public"."v" AS
SELECT t1.a
   FROM public.t1;

CREATE POLICY "q" ON "public"."t1" USING ((a > 0));
