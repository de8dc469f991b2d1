-- hazard: rename-materialized-view:m
ALTER MATERIALIZED VIEW "public"."m" RENAME TO "n";
