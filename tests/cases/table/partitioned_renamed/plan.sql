-- hazard: rename-table:t
ALTER TABLE "public"."t" RENAME TO "u";

-- hazard: move-table:t1
ALTER TABLE "public"."t1" SET SCHEMA "other";
