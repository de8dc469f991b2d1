COMMENT ON PROCEDURE "public"."p"(integer) IS 'does nothing';
