-- hazard: add-primary-key:t.t_pkey
ALTER TABLE "public"."t" ADD CONSTRAINT "t_pkey" PRIMARY KEY ("id");
