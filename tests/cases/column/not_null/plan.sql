-- asks: not-null:t.a
ALTER TABLE "public"."t" ALTER COLUMN "a" SET NOT NULL;
