DROP INDEX "public"."by_title";

CREATE COLLATION "public"."bytes" (provider = libc, locale = 'C');

CREATE COLLATION "public"."plain" (provider = icu, locale = 'und-u-ks-level2', deterministic = false);

COMMENT ON COLLATION "public"."plain" IS 'no case';

ALTER TABLE "public"."notes" ALTER COLUMN "title" TYPE text COLLATE "public"."plain";

CREATE DOMAIN "public"."word" AS text COLLATE "public"."bytes";

CREATE TYPE "public"."pair" AS ("a" text COLLATE "public"."bytes", "b" integer);

ALTER TABLE "public"."notes" ADD COLUMN "tag" "public"."word";

-- hazard: add-index:notes.by_title
CREATE INDEX "by_title" ON "public"."notes" ("title" COLLATE "public"."bytes");
