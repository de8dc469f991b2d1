CREATE SEQUENCE "public"."s";

-- hazard: rewrite:t.a
ALTER TABLE "public"."t" ALTER COLUMN "a" TYPE bigint USING "a"::bigint;

ALTER TABLE "public"."t" ALTER COLUMN "a" SET DEFAULT nextval('public.s'::regclass);
