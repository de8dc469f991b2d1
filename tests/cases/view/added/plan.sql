CREATE VIEW "public"."v" AS
SELECT t.id,
    t.b
   FROM public.t
  WHERE (t.a > 0);
