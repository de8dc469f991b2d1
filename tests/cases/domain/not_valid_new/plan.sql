CREATE DOMAIN "public"."d" AS integer;

ALTER DOMAIN "public"."d" ADD CONSTRAINT "a" CHECK ((VALUE > 0)) NOT VALID;
