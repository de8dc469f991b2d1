DROP TRIGGER "g" ON "public"."t";

-- asks: change-type:t.b
ALTER TABLE "public"."t" ALTER COLUMN "b" TYPE varchar(9) USING "b"::varchar;

CREATE TRIGGER g BEFORE UPDATE OF b ON public.t FOR EACH ROW WHEN (((old.b)::text <> (new.b)::text)) EXECUTE FUNCTION public.tf();
