CREATE TABLE "public"."t" (
    "a" integer NOT NULL,
    "b" integer,
    "c" integer,
    CONSTRAINT "t_pkey" PRIMARY KEY ("a"),
    CONSTRAINT "t_b_key" UNIQUE ("b"),
    CONSTRAINT "positive" CHECK ((b > 0))
);

COMMENT ON TABLE "public"."t" IS 'all of it';

COMMENT ON COLUMN "public"."t"."b" IS 'a part';

COMMENT ON CONSTRAINT "t_pkey" ON "public"."t" IS 'the key';

COMMENT ON CONSTRAINT "t_b_key" ON "public"."t" IS 'a unique';

COMMENT ON CONSTRAINT "positive" ON "public"."t" IS 'a check';

CREATE INDEX "i" ON "public"."t" ("c");

COMMENT ON INDEX "public"."i" IS 'an index';

ALTER TABLE "public"."t" ADD CONSTRAINT "t_c_fkey" FOREIGN KEY ("c") REFERENCES "public"."o" ("a");

COMMENT ON CONSTRAINT "t_c_fkey" ON "public"."t" IS 'a foreign key';
