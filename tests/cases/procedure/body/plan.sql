CREATE OR REPLACE PROCEDURE public.p(IN a integer)
 LANGUAGE plpgsql
AS $procedure$ begin perform a; end $procedure$;
