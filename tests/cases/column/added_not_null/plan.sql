-- asks: not-null:t.d
ALTER TABLE "public"."t" ADD COLUMN "d" integer NOT NULL;
