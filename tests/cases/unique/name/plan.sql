ALTER TABLE "public"."t" RENAME CONSTRAINT "one" TO "two";
