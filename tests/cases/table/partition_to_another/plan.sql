-- hazard: detach:may
ALTER TABLE "public"."days" DETACH PARTITION "public"."may";

-- hazard: attach:may
ALTER TABLE "public"."weeks" ATTACH PARTITION "public"."may" FOR VALUES FROM ('2024-05-01') TO ('2024-07-01');
