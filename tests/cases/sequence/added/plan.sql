CREATE SEQUENCE "public"."s";
