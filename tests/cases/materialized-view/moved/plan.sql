-- hazard: move-materialized-view:v
ALTER MATERIALIZED VIEW "public"."v" SET SCHEMA "other";
