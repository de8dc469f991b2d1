CREATE TABLE "public"."t" (
    "id" integer NOT NULL,
    "a" integer,
    "b" text,
    CONSTRAINT "t_pkey" PRIMARY KEY ("id")
);

CREATE VIEW "public"."v" AS
SELECT t.id,
    u.a
   FROM public.t,
    ( SELECT 1 AS a) u;

COMMENT ON VIEW "public"."v" IS 'both';
