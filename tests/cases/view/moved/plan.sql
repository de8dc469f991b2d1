-- hazard: rename-view:v
ALTER VIEW "public"."v" RENAME TO "u";

-- hazard: move-view:u
ALTER VIEW "public"."u" SET SCHEMA "other";
