DROP VIEW "public"."listed";

DROP FUNCTION "public"."shown"("public"."place");

-- asks: change-type:place.x
-- asks: change-type:place.name
ALTER TYPE "public"."place" RENAME TO "place_old";

CREATE TYPE "public"."place" AS ("x" bigint, "name" varchar(10));

ALTER TABLE "public"."notes" ALTER COLUMN "seen" DROP DEFAULT;

-- hazard: rewrite:notes.seen
ALTER TABLE "public"."notes" ALTER COLUMN "seen" TYPE "public"."place" USING "seen"::text::"public"."place";

ALTER TABLE "public"."notes" ALTER COLUMN "seen" SET DEFAULT ROW((1)::bigint, 'here'::character varying(10))::public.place;

CREATE OR REPLACE FUNCTION public.shown(public.place)
 RETURNS text
 LANGUAGE sql
AS $function$select $1.name::text$function$;

CREATE VIEW "public"."listed" AS
SELECT (notes.seen).x AS x
   FROM public.notes;

DROP TYPE "public"."place_old";
