CREATE TABLE "public"."t" (
    "id" integer NOT NULL,
    "a" integer,
    "b" text,
    "c" timestamptz
);
