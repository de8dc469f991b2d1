ALTER TABLE "public"."t" DROP CONSTRAINT "t_pkey";

-- hazard: add-primary-key:t.t_pkey
ALTER TABLE "public"."t" ADD CONSTRAINT "t_pkey" PRIMARY KEY ("a") DEFERRABLE INITIALLY DEFERRED;
