ALTER INDEX "public"."i" SET (deduplicate_items=off, fillfactor=80);
