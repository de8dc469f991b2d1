CREATE TABLE "public"."p" (
    "id" integer NOT NULL,
    "day" date NOT NULL,
    "a" text,
    CONSTRAINT "p_pkey" PRIMARY KEY ("id", "day")
) PARTITION BY RANGE (day);

CREATE TABLE "public"."p1" PARTITION OF "public"."p" FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');

COMMENT ON TABLE "public"."p1" IS 'January';

CREATE TABLE "public"."p2" PARTITION OF "public"."p" DEFAULT;

CREATE INDEX "i" ON "public"."p" ("a");

CREATE INDEX "j" ON "public"."p1" ("a", "id");
