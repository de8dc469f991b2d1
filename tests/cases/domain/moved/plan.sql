-- hazard: rename-domain:d
ALTER DOMAIN "public"."d" RENAME TO "e";

-- hazard: move-domain:e
ALTER DOMAIN "public"."e" SET SCHEMA "other";
