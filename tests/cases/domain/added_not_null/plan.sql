-- asks: not-null:t.a
ALTER TABLE "public"."t" ADD COLUMN "a" "public"."d";

ALTER TABLE "public"."t" ADD COLUMN "b" "public"."f";

ALTER TABLE "public"."t" ADD COLUMN "c" "public"."d" DEFAULT 3;
