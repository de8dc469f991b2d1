CREATE TABLE "public"."tags" (
    "name" text
);

ALTER TABLE "public"."notes" ADD COLUMN "title" text;

CREATE OR REPLACE FUNCTION public.label(note public.notes)
 RETURNS text
 LANGUAGE sql
AS $function$select note.title$function$;

CREATE OR REPLACE FUNCTION public.tagged(tag public.tags)
 RETURNS SETOF public.tags
 LANGUAGE sql
AS $function$select tag.*$function$;
