CREATE TABLE "public"."t" (
    "id" integer NOT NULL,
    "a" integer,
    "b" text,
    CONSTRAINT "t_pkey" PRIMARY KEY ("id")
);

CREATE OR REPLACE FUNCTION public.tf()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$ begin return new; end $function$;

CREATE VIEW "public"."v" AS
SELECT t.id
   FROM public.t;

CREATE CONSTRAINT TRIGGER g AFTER INSERT ON public.t DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.tf();

CREATE TRIGGER h INSTEAD OF INSERT ON public.v FOR EACH ROW EXECUTE FUNCTION public.tf();
