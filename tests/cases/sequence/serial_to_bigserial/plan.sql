ALTER SEQUENCE "public"."t_id_seq" AS bigint INCREMENT BY 1 MINVALUE 1 NO MAXVALUE START WITH 1 CACHE 1 NO CYCLE;

ALTER TABLE "public"."t" ALTER COLUMN "id" DROP DEFAULT;

-- hazard: rewrite:t.id
ALTER TABLE "public"."t" ALTER COLUMN "id" TYPE bigint USING "id"::bigint;

ALTER TABLE "public"."t" ALTER COLUMN "id" SET DEFAULT nextval('public.t_id_seq'::regclass);
