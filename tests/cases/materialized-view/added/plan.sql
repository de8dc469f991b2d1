CREATE MATERIALIZED VIEW "public"."m" AS
SELECT t.id,
    t.b
   FROM public.t
  WHERE (t.a > 0);

CREATE UNIQUE INDEX "i" ON "public"."m" ("id");

CREATE INDEX "j" ON "public"."m" ((lower(b)));
