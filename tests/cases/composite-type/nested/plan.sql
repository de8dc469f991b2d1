CREATE TYPE "public"."a" AS ("x" integer);

CREATE TYPE "public"."b" AS ("y" "public"."a");

CREATE TABLE "public"."t" (
    "z" "public"."b"
);
