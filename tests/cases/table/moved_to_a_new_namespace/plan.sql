CREATE SCHEMA "b";

-- hazard: move-table:a.t
ALTER TABLE "a"."t" SET SCHEMA "b";

-- asks: drop-namespace:a
DROP SCHEMA "a";
