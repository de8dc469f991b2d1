-- hazard: rename-namespace:a
ALTER SCHEMA "a" RENAME TO "B";

-- hazard: rename-table:"B".t
ALTER TABLE "B"."t" RENAME TO "u";

-- asks: drop-table:"B".gone
DROP TABLE "B"."gone";

COMMENT ON SCHEMA "B" IS 'hers';

ALTER TABLE "B"."u" ADD COLUMN "x" text;
