CREATE TABLE "public"."log" (
    "id" integer
);

CREATE RULE r AS
    ON INSERT TO public.t
   WHERE (new.a > 0) DO  INSERT INTO public.log (id)
  VALUES (new.id);
