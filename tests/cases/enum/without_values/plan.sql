CREATE TYPE "public"."nothing" AS ENUM ();
