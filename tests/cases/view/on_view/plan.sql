DROP VIEW "public"."x";

DROP VIEW "public"."w";

DROP VIEW "public"."v";

CREATE VIEW "public"."v" AS
SELECT t.a,
    t.id,
    t.b
   FROM public.t;

CREATE VIEW "public"."w" AS
SELECT v.id
   FROM public.v;

CREATE VIEW "public"."x" AS
SELECT v.id
   FROM (public.v
     JOIN public.w USING (id));
