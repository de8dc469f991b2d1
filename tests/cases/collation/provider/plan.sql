ALTER COLLATION "public"."c" RENAME TO "c_old";

CREATE COLLATION "public"."c" (provider = builtin, locale = 'C');

ALTER TABLE "public"."t" ALTER COLUMN "a" TYPE text COLLATE "public"."c";

DROP COLLATION "public"."c_old";
