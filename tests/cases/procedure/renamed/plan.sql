CREATE SCHEMA "s";

-- hazard: rename-procedure:"f(integer)"
ALTER PROCEDURE "public"."f"(integer) RENAME TO "g";

-- hazard: move-procedure:"g(integer)"
ALTER PROCEDURE "public"."g"(integer) SET SCHEMA "s";
