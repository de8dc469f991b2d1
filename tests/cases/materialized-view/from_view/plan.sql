-- asks: drop-view:m
DROP VIEW "public"."m";

CREATE MATERIALIZED VIEW "public"."m" AS
SELECT 1 AS a;
