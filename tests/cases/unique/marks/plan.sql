ALTER TABLE "public"."notes" CLUSTER ON "notes_pkey";

ALTER TABLE "public"."notes" REPLICA IDENTITY USING INDEX "notes_a_key";
