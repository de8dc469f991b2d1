-- hazard: rename-primary-key:t.one
ALTER TABLE "public"."t" RENAME CONSTRAINT "one" TO "two";

COMMENT ON CONSTRAINT "two" ON "public"."t" IS 'said';
