CREATE SCHEMA "n";

CREATE EXTENSION "citext" SCHEMA "n";

CREATE DOMAIN "n"."d" AS "n"."citext";

CREATE TYPE "n"."c" AS ("a" "n"."citext", "d" "n"."d");

CREATE TABLE "n"."t" (
    "a" "n"."citext",
    "c" "n"."c",
    "d" "n"."d"
);

CREATE OR REPLACE FUNCTION n.f(a n.citext, b n.citext[])
 RETURNS TABLE(c n.citext)
 LANGUAGE sql
AS $function$select a$function$;
