-- hazard: rewrite:t.id
ALTER TABLE "public"."t" ADD COLUMN "id" bigint GENERATED ALWAYS AS IDENTITY NOT NULL;
