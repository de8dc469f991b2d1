-- asks: drop-view:v
DROP VIEW "public"."v";

CREATE MATERIALIZED VIEW "public"."v" AS
SELECT t.a
   FROM public.t;

GRANT SELECT ON TABLE "public"."v" TO "pg_monitor";
