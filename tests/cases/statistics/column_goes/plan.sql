-- hazard: drop-statistics:t.s
DROP STATISTICS "public"."s";

-- asks: drop-column:t.a
ALTER TABLE "public"."t" DROP COLUMN "a";
