ALTER COLLATION "public"."plain" RENAME TO "plain_old";

CREATE COLLATION "public"."plain" (provider = icu, locale = 'fr');

ALTER DOMAIN "public"."word" RENAME TO "word_old";

CREATE DOMAIN "public"."word" AS text COLLATE "public"."plain";

ALTER TABLE "public"."notes" ALTER COLUMN "title" DROP DEFAULT;

ALTER TABLE "public"."notes" ALTER COLUMN "title" TYPE text COLLATE "public"."plain";

ALTER TABLE "public"."notes" ALTER COLUMN "title" SET DEFAULT 'none'::text;

-- hazard: rewrite:notes.tag
ALTER TABLE "public"."notes" ALTER COLUMN "tag" TYPE "public"."word" USING "tag"::text::"public"."word";

DROP DOMAIN "public"."word_old";

DROP COLLATION "public"."plain_old";
