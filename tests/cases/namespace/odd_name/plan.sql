CREATE SCHEMA "Bill""ing é";

CREATE TABLE "Bill""ing é"."T's table" (
    "a b" integer NOT NULL,
    CONSTRAINT "T's table_pkey" PRIMARY KEY ("a b")
);
