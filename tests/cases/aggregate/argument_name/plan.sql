DROP VIEW "public"."v";

DROP AGGREGATE "public"."total"(integer);

CREATE OR REPLACE AGGREGATE public.total(amount integer) (SFUNC = int4pl, STYPE = integer, INITCOND = '0');

CREATE VIEW "public"."v" AS
SELECT public.total(n.n) AS total
   FROM generate_series(1, 3) n(n);
