DROP POLICY "p" ON "public"."t";

-- hazard: rewrite:t.a
ALTER TABLE "public"."t" ALTER COLUMN "a" TYPE bigint USING "a"::bigint;

CREATE POLICY "p" ON "public"."t" USING ((a > 0));
