-- asks: drop-column:t.a
ALTER TABLE "public"."t" DROP COLUMN "a";
