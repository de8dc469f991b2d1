DROP VIEW "public"."turned";

ALTER TABLE "public"."notes" ADD COLUMN "done" boolean;

CREATE OR REPLACE VIEW "public"."listed" WITH (security_barrier=true) AS
SELECT notes.id,
    notes.title,
    notes.done
   FROM public.notes
  WHERE (notes.size > 0);

CREATE VIEW "public"."turned" AS
SELECT notes.title,
    notes.id
   FROM public.notes;
