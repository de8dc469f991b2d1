ALTER TABLE "public"."p" DETACH PARTITION "public"."p1";

-- hazard: attach:p1
ALTER TABLE "public"."p" ATTACH PARTITION "public"."p1" FOR VALUES FROM ('2026-01-01') TO ('2026-03-01');
