-- hazard: rewrite:t.c
ALTER TABLE "public"."t" ADD COLUMN "c" text GENERATED ALWAYS AS ((b || '!'::text)) STORED;
