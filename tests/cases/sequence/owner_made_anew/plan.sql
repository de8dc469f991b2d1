ALTER SEQUENCE "public"."p_id_seq" OWNED BY NONE;

-- asks: drop-table:p
DROP TABLE "public"."p";

ALTER SEQUENCE "public"."s" OWNED BY NONE;

-- asks: drop-column:t.a
ALTER TABLE "public"."t" DROP COLUMN "a";

CREATE TABLE "public"."p" (
    "id" integer DEFAULT nextval('public.p_id_seq'::regclass) NOT NULL,
    "day" date
) PARTITION BY LIST (day);

ALTER SEQUENCE "public"."p_id_seq" OWNED BY "public"."p"."id";

ALTER TABLE "public"."t" ADD COLUMN "a" integer[];

ALTER SEQUENCE "public"."s" OWNED BY "public"."t"."a";
