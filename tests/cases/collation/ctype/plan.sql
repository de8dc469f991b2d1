ALTER COLLATION "public"."c" RENAME TO "c_old";

CREATE COLLATION "public"."c" (provider = libc, lc_collate = 'C', lc_ctype = 'POSIX');

ALTER TABLE "public"."t" ALTER COLUMN "a" TYPE text COLLATE "public"."c";

DROP COLLATION "public"."c_old";
