ALTER DOMAIN "public"."d" RENAME TO "d_old";

CREATE DOMAIN "public"."d" AS text COLLATE "C";

DROP DOMAIN "public"."d_old";
