CREATE TABLE "public"."q" (
    "id" integer,
    "day" date
);

-- hazard: add-foreign-key:p.p_id_fkey
ALTER TABLE "public"."p" ADD CONSTRAINT "p_id_fkey" FOREIGN KEY ("id") REFERENCES "public"."o" ("id");

ALTER TABLE "public"."q" ADD CONSTRAINT "q_id_day_fkey" FOREIGN KEY ("id", "day") REFERENCES "public"."p" ("id", "day");
