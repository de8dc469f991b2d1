DROP VIEW "public"."v";

DROP AGGREGATE "public"."total"(integer);

CREATE OR REPLACE AGGREGATE public.total(integer) (SFUNC = public.add, STYPE = integer, INITCOND = '1');

CREATE VIEW "public"."v" AS
SELECT public.total(x.x) AS t
   FROM generate_series(1, 3) x(x);
