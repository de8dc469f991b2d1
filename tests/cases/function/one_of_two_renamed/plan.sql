-- hazard: rename-function:"f(integer)"
ALTER FUNCTION "public"."f"(integer) RENAME TO "g";

ALTER TABLE "public"."t" DROP CONSTRAINT "c";

-- hazard: add-check:t.c
ALTER TABLE "public"."t" ADD CONSTRAINT "c" CHECK ((public.g(id) > 0));
