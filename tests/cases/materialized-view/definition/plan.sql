DROP INDEX "public"."i";

DROP MATERIALIZED VIEW "public"."m";

CREATE MATERIALIZED VIEW "public"."m" AS
SELECT t.id,
    t.a
   FROM public.t;

CREATE INDEX "i" ON "public"."m" ("id");
