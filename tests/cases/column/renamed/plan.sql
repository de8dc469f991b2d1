-- hazard: rename-column:t.body
ALTER TABLE "public"."t" RENAME COLUMN "body" TO "The text";

DROP STATISTICS "public"."st";

CREATE OR REPLACE VIEW "public"."v" AS
SELECT t.id,
    t."The text" AS x
   FROM public.t
  WHERE (t."The text" <> ''::text);

CREATE STATISTICS public.st ON "The text", id FROM public.t;
