ALTER TABLE "public"."u" DROP CONSTRAINT "u_t_id_fkey";

-- hazard: rewrite:t.id
ALTER TABLE "public"."t" ALTER COLUMN "id" TYPE text USING "id"::text;

-- hazard: rewrite:u.t_id
ALTER TABLE "public"."u" ALTER COLUMN "t_id" TYPE text USING "t_id"::text;

-- hazard: add-foreign-key:u.u_t_id_fkey
ALTER TABLE "public"."u" ADD CONSTRAINT "u_t_id_fkey" FOREIGN KEY ("t_id") REFERENCES "public"."t" ("id");
