-- hazard: detach:t
ALTER TABLE "public"."p" DETACH PARTITION "public"."t";

-- hazard: attach:t
ALTER TABLE "public"."q" ATTACH PARTITION "public"."t" FOR VALUES FROM (0) TO (10);
