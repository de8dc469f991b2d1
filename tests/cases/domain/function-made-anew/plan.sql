ALTER DOMAIN "public"."word" DROP DEFAULT;

ALTER DOMAIN "public"."word" DROP CONSTRAINT IF EXISTS "good";

DROP FUNCTION "public"."good"(text);

DROP FUNCTION "public"."usual"(text);

CREATE OR REPLACE FUNCTION public.good(y text)
 RETURNS boolean
 LANGUAGE sql
 IMMUTABLE
AS $function$select length(y) > 1$function$;

CREATE OR REPLACE FUNCTION public.usual(z text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE
AS $function$select z$function$;

ALTER DOMAIN "public"."word" SET DEFAULT public.usual('none'::text);

ALTER DOMAIN "public"."word" DROP CONSTRAINT IF EXISTS "good";

-- hazard: constrain-domain:word
ALTER DOMAIN "public"."word" ADD CONSTRAINT "good" CHECK (public.good(VALUE));

COMMENT ON CONSTRAINT "good" ON DOMAIN "public"."word" IS 'long enough';
