DROP VIEW "public"."v";

DROP INDEX "public"."i";

DROP MATERIALIZED VIEW "public"."m";

-- asks: change-type:t.b
ALTER TABLE "public"."t" ALTER COLUMN "b" TYPE varchar(9) USING "b"::varchar;

CREATE MATERIALIZED VIEW "public"."m" AS
SELECT t.id,
    t.b
   FROM public.t;

CREATE INDEX "i" ON "public"."m" ("b");

CREATE VIEW "public"."v" AS
SELECT m.b
   FROM public.m;
