-- asks: drop-column:may.note
ALTER TABLE "public"."may" DROP COLUMN "note";

-- hazard: add-check:may.days_id_check
ALTER TABLE "public"."may" ADD CONSTRAINT "days_id_check" CHECK ((id > 0));

-- hazard: attach:may
ALTER TABLE "public"."days" ATTACH PARTITION "public"."may" FOR VALUES FROM ('2024-05-01') TO ('2024-06-01');
