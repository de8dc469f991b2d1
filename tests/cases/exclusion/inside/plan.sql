CREATE EXTENSION "btree_gist" SCHEMA "public";

CREATE TABLE "public"."t" (
    "id" integer,
    "a" int4range,
    "b" integer,
    CONSTRAINT "t_b_a_excl" EXCLUDE USING gist (b WITH =, a WITH &&) WHERE ((b > 0)) DEFERRABLE INITIALLY DEFERRED
);
