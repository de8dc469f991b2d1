ALTER TABLE "public"."t" DROP CONSTRAINT "t_b_check";

-- hazard: add-check:t.t_b_check
ALTER TABLE "public"."t" ADD CONSTRAINT "t_b_check" CHECK (((b)::text = ANY ((ARRAY['x'::character varying, 'y'::character varying])::text[])));
