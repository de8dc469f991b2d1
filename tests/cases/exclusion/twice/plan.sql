CREATE TABLE "public"."t" (
    "during" daterange,
    CONSTRAINT "one" EXCLUDE USING gist (during WITH &&)
);

ALTER TABLE "public"."t" ADD CONSTRAINT "two" EXCLUDE USING gist (during WITH &&);
