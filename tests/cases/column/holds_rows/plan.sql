-- asks: drop-column:areas.zone
ALTER TABLE "public"."areas" DROP COLUMN "zone";

-- hazard: rewrite:zones.id
ALTER TABLE "public"."zones" ALTER COLUMN "id" TYPE bigint USING "id"::bigint;

ALTER TABLE "public"."areas" ADD COLUMN "others" "public"."zones"[];

ALTER TABLE "public"."areas" ADD COLUMN "zone" "public"."zones";
