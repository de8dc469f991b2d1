-- asks: drop-table:early
DROP TABLE "public"."early";

-- asks: drop-table:days
DROP TABLE "public"."days";

CREATE TABLE "public"."days" (
    "id" integer,
    "day" bigint
) PARTITION BY RANGE (day);

CREATE TABLE "public"."early" PARTITION OF "public"."days" FOR VALUES FROM ('0') TO ('10');
