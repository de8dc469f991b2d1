CREATE SEQUENCE "order"."t_id_seq" AS integer;

CREATE TABLE "order"."t" (
    "id" integer DEFAULT nextval('"order".t_id_seq'::regclass) NOT NULL,
    CONSTRAINT "t_pkey" PRIMARY KEY ("id")
);

ALTER SEQUENCE "order"."t_id_seq" OWNED BY "order"."t"."id";
