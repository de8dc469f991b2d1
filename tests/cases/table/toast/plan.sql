ALTER TABLE "public"."notes" RESET (fillfactor, toast.autovacuum_enabled);

ALTER TABLE "public"."notes" SET (toast.vacuum_truncate=false);

CREATE TABLE "public"."tags" (
    "body" text
) WITH (toast.autovacuum_enabled=false);
