DROP RULE "r" ON "public"."t";

-- hazard: rewrite:t.a
ALTER TABLE "public"."t" ALTER COLUMN "a" TYPE bigint USING "a"::bigint;

CREATE RULE r AS
    ON UPDATE TO public.t
   WHERE (new.a > old.a) DO INSTEAD NOTHING;
