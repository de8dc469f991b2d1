CREATE TABLE "public"."t" (
    "id" integer NOT NULL,
    "a" integer,
    "b" text,
    CONSTRAINT "t_pkey" PRIMARY KEY ("id")
);

CREATE VIEW "public"."v" AS
SELECT t.id,
    t.a
   FROM public.t;

CREATE RULE r AS
    ON INSERT TO public.v DO INSTEAD  INSERT INTO public.t (id, a)
  VALUES (new.id, new.a);
