CREATE SCHEMA "billing";

CREATE TABLE "billing"."t" (
    "id" integer NOT NULL,
    CONSTRAINT "t_pkey" PRIMARY KEY ("id")
);
