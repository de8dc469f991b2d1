CREATE TABLE "public"."p" (
    "id" integer NOT NULL,
    "a" integer,
    "b" integer,
    CONSTRAINT "p_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "p_a_b_key" UNIQUE ("a", "b"),
    CONSTRAINT "p_b_key" UNIQUE ("b")
);

-- hazard: add-foreign-key:t.f
ALTER TABLE "public"."t" ADD CONSTRAINT "f" FOREIGN KEY ("x") REFERENCES "public"."p" ("id");
