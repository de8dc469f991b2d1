COMMENT ON AGGREGATE "public"."total"(integer) IS 'all';
