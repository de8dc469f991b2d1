CREATE TYPE "public"."My ""Mood""" AS ENUM ('it''s', E'a\\b', '', ' ', '"', 'ü', 'NULL');

CREATE TYPE "public"."user" AS ENUM ('select');

ALTER TABLE "public"."t" ADD COLUMN "b" "public"."My ""Mood""" DEFAULT 'it''s'::public."My ""Mood""";

ALTER TABLE "public"."t" ADD COLUMN "c" "public"."user"[];
