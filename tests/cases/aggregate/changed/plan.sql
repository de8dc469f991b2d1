DROP AGGREGATE "public"."total"(integer);

CREATE OR REPLACE AGGREGATE public.total(integer) (SFUNC = public.add, STYPE = integer, INITCOND = '1');
