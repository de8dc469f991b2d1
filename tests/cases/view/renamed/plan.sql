-- hazard: rename-view:v
ALTER VIEW "public"."v" RENAME TO "w";
