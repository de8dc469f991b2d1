ALTER TYPE "public"."place" ADD ATTRIBUTE "z" integer;

COMMENT ON COLUMN "public"."place"."x" IS NULL;

COMMENT ON COLUMN "public"."place"."y" IS 'down';

COMMENT ON COLUMN "public"."place"."z" IS 'away';
