-- hazard: rename-domain:d
ALTER DOMAIN "public"."d" RENAME TO "e";
