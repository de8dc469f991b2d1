ALTER TABLE "books" ADD COLUMN "in_print" boolean DEFAULT true NOT NULL;
