CREATE SEQUENCE "public"."t_b_seq" AS integer;

-- hazard: rewrite:t.b
ALTER TABLE "public"."t" ADD COLUMN "b" integer DEFAULT nextval('public.t_b_seq'::regclass) NOT NULL;

ALTER SEQUENCE "public"."t_b_seq" OWNED BY "public"."t"."b";
