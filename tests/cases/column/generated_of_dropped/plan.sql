ALTER TABLE "public"."t" ALTER COLUMN "c" DROP EXPRESSION;

-- asks: drop-column:t.a
ALTER TABLE "public"."t" DROP COLUMN "a";
