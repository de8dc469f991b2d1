-- hazard: move-table:t
ALTER TABLE "public"."t" SET SCHEMA "other";

-- hazard: rename-table:other.t
ALTER TABLE "other"."t" RENAME TO "u";
