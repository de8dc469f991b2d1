DROP VIEW "public"."v";

CREATE VIEW "public"."v" AS
SELECT t.a,
    t.id
   FROM public.t;

CREATE TRIGGER h INSTEAD OF INSERT ON public.v FOR EACH ROW EXECUTE FUNCTION public.tf();
