ALTER TABLE "public"."t" DROP CONSTRAINT "t_u_fkey";

-- hazard: add-foreign-key:t.t_u_fkey
ALTER TABLE "public"."t" ADD CONSTRAINT "t_u_fkey" FOREIGN KEY ("u") REFERENCES "two"."u" ("id");
