CREATE TYPE "order"."T" AS ENUM ('x');

CREATE OR REPLACE FUNCTION "order"."my ""f"""(INOUT d text, "a b" "order"."T" DEFAULT 'x'::"order"."T", OUT c integer)
 RETURNS record
 LANGUAGE plpgsql
AS $function$begin c := 1; end$function$;
