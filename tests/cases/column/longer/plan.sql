ALTER TABLE "public"."t" ALTER COLUMN "a" TYPE varchar(64);
