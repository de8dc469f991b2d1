ALTER COLLATION "public"."c" RENAME TO "c_old";

CREATE COLLATION "public"."c" (provider = icu, locale = 'und-u-ks-level2', deterministic = false);

ALTER TABLE "public"."t" ALTER COLUMN "a" TYPE text COLLATE "public"."c";

DROP COLLATION "public"."c_old";
