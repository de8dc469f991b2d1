ALTER TABLE "public"."t" ADD COLUMN "d" integer DEFAULT 7 NOT NULL;
