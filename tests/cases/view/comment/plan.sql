COMMENT ON VIEW "public"."v" IS 'one';
