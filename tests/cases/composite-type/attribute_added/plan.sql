ALTER TYPE "public"."c" ADD ATTRIBUTE "b" text;
