CREATE UNLOGGED TABLE "public"."t" (
    "a" integer
) WITH (fillfactor=80);
