ALTER TYPE "public"."mood" RENAME TO "mood_old";

CREATE TYPE "public"."mood" AS ENUM ('ok', 'sad');

ALTER DOMAIN "public"."known" RENAME TO "known_old";

CREATE DOMAIN "public"."known" AS "public"."mood" CONSTRAINT "known_check" CHECK ((VALUE <> 'sad'::public.mood));

ALTER TYPE "public"."entry" RENAME TO "entry_old";

CREATE TYPE "public"."entry" AS ("at" integer, "mood" "public"."mood");

ALTER TABLE "public"."notes" ALTER COLUMN "mood" DROP DEFAULT;

-- hazard: rewrite:notes.mood
ALTER TABLE "public"."notes" ALTER COLUMN "mood" TYPE "public"."known" USING "mood"::text::"public"."known";

ALTER TABLE "public"."notes" ALTER COLUMN "mood" SET DEFAULT 'ok'::public.mood;

-- hazard: rewrite:notes.moods
ALTER TABLE "public"."notes" ALTER COLUMN "moods" TYPE "public"."mood"[] USING "moods"::text[]::"public"."mood"[];

-- hazard: rewrite:notes.last
ALTER TABLE "public"."notes" ALTER COLUMN "last" TYPE "public"."entry" USING "last"::text::"public"."entry";

DROP DOMAIN "public"."known_old";

DROP TYPE "public"."entry_old";

DROP TYPE "public"."mood_old";
