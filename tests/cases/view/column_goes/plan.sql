DROP VIEW "public"."v";

-- asks: drop-column:t.a
ALTER TABLE "public"."t" DROP COLUMN "a";

CREATE VIEW "public"."v" AS
SELECT t.id
   FROM public.t;
