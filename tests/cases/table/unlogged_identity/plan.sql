CREATE UNLOGGED TABLE "public"."t" (
    "a" integer GENERATED ALWAYS AS IDENTITY NOT NULL,
    "b" text
);
