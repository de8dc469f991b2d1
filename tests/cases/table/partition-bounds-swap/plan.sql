-- asks: drop-column:notes.old
ALTER TABLE "public"."notes" DROP COLUMN "old";

-- asks: drop-table:third
DROP TABLE "public"."third";

ALTER TABLE "public"."notes" DETACH PARTITION "public"."first";

ALTER TABLE "public"."notes" DETACH PARTITION "public"."second";

-- hazard: attach:first
ALTER TABLE "public"."notes" ATTACH PARTITION "public"."first" FOR VALUES FROM (5) TO (12);

-- hazard: attach:second
ALTER TABLE "public"."notes" ATTACH PARTITION "public"."second" FOR VALUES FROM (1) TO (5);

CREATE TABLE "public"."fourth" PARTITION OF "public"."notes" FOR VALUES FROM (12) TO (14);

ALTER TABLE "public"."notes" ADD COLUMN "new" integer;
