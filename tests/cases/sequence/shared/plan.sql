ALTER TABLE "public"."t" ALTER COLUMN "a" DROP DEFAULT;

-- asks: drop-sequence:s
DROP SEQUENCE "public"."s";

CREATE TABLE "public"."u" (
    "a" integer DEFAULT 7
);
