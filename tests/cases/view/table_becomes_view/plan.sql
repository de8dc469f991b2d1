-- asks: drop-table:v
DROP TABLE "public"."v";

CREATE VIEW "public"."v" AS
SELECT t.id
   FROM public.t;
