COMMENT ON COLUMN "public"."listed"."id" IS 'the number';

COMMENT ON COLUMN "public"."listed"."title" IS NULL;
