ALTER VIEW "public"."listed" ALTER COLUMN "id" SET DEFAULT 2;

COMMENT ON COLUMN "public"."listed"."id" IS 'it''s a number';

ALTER VIEW "public"."listed" ALTER COLUMN "title" SET DEFAULT 'none'::text;

COMMENT ON COLUMN "public"."listed"."title" IS NULL;

CREATE SEQUENCE "public"."numbers";

CREATE VIEW "public"."more" AS
SELECT notes.id
   FROM public.notes;

ALTER VIEW "public"."more" ALTER COLUMN "id" SET DEFAULT nextval('public.numbers'::regclass);

COMMENT ON COLUMN "public"."more"."id" IS 'counted';
