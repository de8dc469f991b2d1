CREATE SEQUENCE "public"."t_a_seq" AS smallint;

CREATE SEQUENCE "public"."t_b_seq" AS integer;

CREATE SEQUENCE "public"."t_c_seq";

CREATE TABLE "public"."t" (
    "a" smallint DEFAULT nextval('public.t_a_seq'::regclass) NOT NULL,
    "b" integer DEFAULT nextval('public.t_b_seq'::regclass) NOT NULL,
    "c" bigint DEFAULT nextval('public.t_c_seq'::regclass) NOT NULL,
    CONSTRAINT "t_pkey" PRIMARY KEY ("b")
);

ALTER SEQUENCE "public"."t_a_seq" OWNED BY "public"."t"."a";

ALTER SEQUENCE "public"."t_b_seq" OWNED BY "public"."t"."b";

ALTER SEQUENCE "public"."t_c_seq" OWNED BY "public"."t"."c";
