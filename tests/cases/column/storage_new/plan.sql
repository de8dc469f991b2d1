CREATE TABLE "public"."t" (
    "a" text,
    "b" numeric(9,2),
    "c" jsonb
);

ALTER TABLE "public"."t" ALTER COLUMN "a" SET STORAGE EXTERNAL;

ALTER TABLE "public"."t" ALTER COLUMN "c" SET COMPRESSION pglz;

COMMENT ON COLUMN "public"."t"."c" IS 'squeezed';

ALTER TABLE "public"."u" ADD COLUMN "b" numeric;

ALTER TABLE "public"."u" ALTER COLUMN "b" SET STORAGE EXTENDED;
