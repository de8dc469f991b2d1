DROP VIEW "public"."counted";

ALTER TABLE "public"."tags" DROP CONSTRAINT "named";

-- asks: not-null:notes.title
ALTER TABLE "public"."notes" ALTER COLUMN "title" SET NOT NULL;

CREATE OR REPLACE VIEW "public"."listed" AS
SELECT notes.id,
    notes.title
   FROM public.notes
  GROUP BY notes.id, notes.title;

ALTER TABLE "public"."notes" DROP CONSTRAINT "notes_pkey";

-- hazard: add-primary-key:notes.notes_pkey
ALTER TABLE "public"."notes" ADD CONSTRAINT "notes_pkey" PRIMARY KEY ("title");

-- hazard: add-primary-key:tags.named
ALTER TABLE "public"."tags" ADD CONSTRAINT "named" PRIMARY KEY ("id") INCLUDE ("name");

CREATE VIEW "public"."counted" AS
SELECT tags.id,
    tags.name
   FROM public.tags
  GROUP BY tags.id;
