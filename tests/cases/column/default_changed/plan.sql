ALTER TABLE "public"."t" ALTER COLUMN "b" SET DEFAULT 'y''s'::text;
