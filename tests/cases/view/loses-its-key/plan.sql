CREATE OR REPLACE VIEW "public"."listed" AS
SELECT notes.id,
    notes.title
   FROM public.notes
  GROUP BY notes.id, notes.title;

-- asks: drop-primary-key:notes.notes_pkey
ALTER TABLE "public"."notes" DROP CONSTRAINT "notes_pkey";

ALTER TABLE "public"."notes" ALTER COLUMN "id" DROP NOT NULL;

-- hazard: add-primary-key:notes.titled
ALTER TABLE "public"."notes" ADD CONSTRAINT "titled" PRIMARY KEY ("title");
