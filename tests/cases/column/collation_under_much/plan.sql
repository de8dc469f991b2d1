DROP POLICY "p" ON "public"."t";

DROP RULE "l" ON "public"."t";

DROP TRIGGER "r" ON "public"."t";

DROP VIEW "public"."v";

DROP FUNCTION "public"."g"();

ALTER TABLE "public"."t" DROP COLUMN "g";

ALTER TABLE "public"."t" ALTER COLUMN "a" TYPE text COLLATE "C";

-- hazard: rewrite:t.g
ALTER TABLE "public"."t" ADD COLUMN "g" text GENERATED ALWAYS AS (lower(a)) STORED;

CREATE OR REPLACE FUNCTION public.g()
 RETURNS bigint
 LANGUAGE sql
BEGIN ATOMIC
 SELECT count(t.a) AS count
    FROM public.t;
END;

CREATE VIEW "public"."v" AS
SELECT t.a
   FROM public.t;

CREATE RULE l AS
    ON DELETE TO public.t
   WHERE (old.a IS NULL) DO INSTEAD NOTHING;

CREATE TRIGGER r BEFORE UPDATE OF a ON public.t FOR EACH ROW EXECUTE FUNCTION public.f();

CREATE POLICY "p" ON "public"."t" USING ((a > 'x'::text));
