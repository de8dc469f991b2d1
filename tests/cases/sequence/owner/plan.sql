ALTER SEQUENCE "public"."s" OWNED BY NONE;

-- asks: drop-column:t.a
ALTER TABLE "public"."t" DROP COLUMN "a";

ALTER TABLE "public"."t" ADD COLUMN "c" integer;

ALTER SEQUENCE "public"."s" OWNED BY "public"."t"."c";
