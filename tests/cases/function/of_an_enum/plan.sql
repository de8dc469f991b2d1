DROP FUNCTION "public"."f"("public"."mood");

ALTER TYPE "public"."mood" RENAME TO "mood_old";

CREATE TYPE "public"."mood" AS ENUM ('b', 'a');

CREATE OR REPLACE FUNCTION public.f(m public.mood)
 RETURNS public.mood[]
 LANGUAGE sql
AS $function$select array[m]$function$;

DROP TYPE "public"."mood_old";
