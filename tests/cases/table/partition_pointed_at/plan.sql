ALTER TABLE "public"."t1" DETACH PARTITION "public"."t1a";

-- asks: drop-table:t1a
DROP TABLE "public"."t1a";

ALTER TABLE "public"."t" DETACH PARTITION "public"."t1";

-- asks: drop-table:t1
DROP TABLE "public"."t1";
