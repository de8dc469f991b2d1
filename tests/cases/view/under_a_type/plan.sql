DROP VIEW "public"."w";

DROP VIEW "public"."v";

-- hazard: rewrite:t.id
ALTER TABLE "public"."t" ALTER COLUMN "id" TYPE bigint USING "id"::bigint;

-- asks: change-type:t.b
ALTER TABLE "public"."t" ALTER COLUMN "b" TYPE varchar(9) USING "b"::varchar;

CREATE VIEW "public"."v" AS
SELECT t.id,
    t.b
   FROM public.t;

CREATE VIEW "public"."w" AS
SELECT v.b
   FROM public.v;
