CREATE DOMAIN "public"."d" AS varchar(9) DEFAULT 'x'::character varying NOT NULL CONSTRAINT "short" CHECK ((length((VALUE)::text) < 5));

ALTER TABLE "public"."t" ADD COLUMN "b" "public"."d";

ALTER TABLE "public"."t" ADD COLUMN "c" "public"."d"[];
