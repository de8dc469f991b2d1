ALTER TABLE "public"."kept" REPLICA IDENTITY NOTHING;

ALTER TABLE "public"."notes" REPLICA IDENTITY DEFAULT;

ALTER TABLE "public"."tags" REPLICA IDENTITY FULL;

CREATE TABLE "public"."fresh" (
    "id" integer NOT NULL,
    CONSTRAINT "fresh_id_key" UNIQUE ("id")
);

ALTER TABLE "public"."fresh" REPLICA IDENTITY USING INDEX "fresh_id_key";
