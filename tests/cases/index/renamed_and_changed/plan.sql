-- hazard: rename-index:t.i
ALTER INDEX "public"."i" RENAME TO "j";

ALTER INDEX "public"."j" SET (fillfactor=80);

COMMENT ON INDEX "public"."j" IS 'said';
