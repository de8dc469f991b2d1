ALTER SEQUENCE "public"."t_id_seq" OWNED BY NONE;

-- asks: drop-column:t.id
ALTER TABLE "public"."t" DROP COLUMN "id";
