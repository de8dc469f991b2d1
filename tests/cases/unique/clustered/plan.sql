ALTER TABLE "public"."t" CLUSTER ON "t_a_key";
