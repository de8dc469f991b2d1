DROP VIEW "public"."v";

CREATE VIEW "public"."v" AS
SELECT t.a,
    t.id
   FROM public.t
  WHERE (t.b <> ''::text);
