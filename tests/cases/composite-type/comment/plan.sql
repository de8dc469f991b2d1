COMMENT ON TYPE "public"."c" IS 'a row';
