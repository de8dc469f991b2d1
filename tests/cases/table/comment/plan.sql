COMMENT ON TABLE "public"."t" IS E'it''s a "table"; with \\ and
two lines';
