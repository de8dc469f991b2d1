-- asks: drop-table:p
DROP TABLE "public"."p";

CREATE TABLE "public"."p" (
    "id" integer NOT NULL,
    "day" date NOT NULL,
    "a" text,
    CONSTRAINT "p_pkey" PRIMARY KEY ("id", "day")
) PARTITION BY HASH (id);
