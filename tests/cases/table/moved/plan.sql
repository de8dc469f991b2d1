-- hazard: move-table:t
ALTER TABLE "public"."t" SET SCHEMA "other";

ALTER STATISTICS "public"."st" SET SCHEMA "other";
