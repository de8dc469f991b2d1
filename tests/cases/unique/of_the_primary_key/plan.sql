CREATE TABLE "public"."t" (
    "a" integer NOT NULL,
    "b" integer,
    CONSTRAINT "t_pkey" PRIMARY KEY ("a"),
    CONSTRAINT "t_b_key" UNIQUE ("b")
);

ALTER TABLE "public"."t" ADD CONSTRAINT "t_a_again" UNIQUE ("a");

ALTER TABLE "public"."t" ADD CONSTRAINT "t_a_key" UNIQUE ("a");
