COMMENT ON INDEX "public"."i" IS 'it''s for the page';
