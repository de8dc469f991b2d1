DROP TYPE "public"."c";

CREATE TYPE "public"."c" AS ("b" integer, "a" integer);
