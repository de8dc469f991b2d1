DROP VIEW "public"."v";

DROP INDEX "public"."i";

ALTER TABLE "public"."t" DROP CONSTRAINT "t_a_check";

ALTER TABLE "public"."t" DROP COLUMN "g";

ALTER TABLE "public"."t" ALTER COLUMN "a" DROP DEFAULT;

DROP FUNCTION "public"."f"(integer);

CREATE OR REPLACE FUNCTION public.f(b integer)
 RETURNS integer
 LANGUAGE sql
 IMMUTABLE
AS $function$ select b + 2 $function$;

-- hazard: rewrite:t.g
ALTER TABLE "public"."t" ADD COLUMN "g" integer GENERATED ALWAYS AS (public.f(id)) STORED;

ALTER TABLE "public"."t" ALTER COLUMN "a" SET DEFAULT public.f(1);

-- hazard: add-check:t.t_a_check
ALTER TABLE "public"."t" ADD CONSTRAINT "t_a_check" CHECK ((public.f(a) > 0));

-- hazard: add-index:t.i
CREATE INDEX "i" ON "public"."t" ((public.f(a)));

CREATE VIEW "public"."v" AS
SELECT public.f(t.id) AS x
   FROM public.t;
