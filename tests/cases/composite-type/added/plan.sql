CREATE TYPE "public"."c" AS ("a" integer, "b" varchar(9) COLLATE "C", "c d" text[]);
