ALTER TABLE "public"."notes" ALTER COLUMN "id" DROP DEFAULT;

ALTER TABLE "public"."notes" ALTER COLUMN "size" DROP DEFAULT;

-- asks: drop-function:"usual()"
DROP FUNCTION "public"."usual"();

CREATE OR REPLACE FUNCTION public.usual(n integer DEFAULT 0)
 RETURNS integer
 LANGUAGE sql
AS $function$select n$function$;

ALTER TABLE "public"."notes" ALTER COLUMN "id" SET DEFAULT public.usual();

ALTER TABLE "public"."notes" ALTER COLUMN "size" SET DEFAULT (1 + public.usual());
