COMMENT ON FUNCTION "public"."f"(integer) IS 'one more';
