ALTER TABLE "public"."t" DROP CONSTRAINT "t_a_check";

-- hazard: add-check:t.t_a_check
ALTER TABLE "public"."t" ADD CONSTRAINT "t_a_check" CHECK ((a > 1));
