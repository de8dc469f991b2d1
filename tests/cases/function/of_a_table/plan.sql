CREATE OR REPLACE FUNCTION public.g()
 RETURNS SETOF public.t
 LANGUAGE sql
 STABLE
AS $function$select * from t$function$;

CREATE OR REPLACE FUNCTION public.h()
 RETURNS bigint
 LANGUAGE sql
 STABLE
BEGIN ATOMIC
 SELECT count(*) AS count
    FROM public.t;
END;
