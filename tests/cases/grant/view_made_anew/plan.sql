DROP MATERIALIZED VIEW "public"."m";

DROP VIEW "public"."v";

-- hazard: rewrite:t.a
ALTER TABLE "public"."t" ALTER COLUMN "a" TYPE bigint USING "a"::bigint;

CREATE MATERIALIZED VIEW "public"."m" AS
SELECT t.a,
    t.b
   FROM public.t;

CREATE VIEW "public"."v" AS
SELECT t.a
   FROM public.t;

GRANT SELECT ON TABLE "public"."v" TO "pg_monitor";

GRANT SELECT ON TABLE "public"."m" TO "pg_monitor";

GRANT SELECT ("b") ON TABLE "public"."m" TO "pg_read_all_data";
