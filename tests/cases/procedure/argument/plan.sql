DROP PROCEDURE "public"."p"(integer);

CREATE OR REPLACE PROCEDURE public.p(IN b integer)
 LANGUAGE plpgsql
AS $procedure$ begin perform b; end $procedure$;
