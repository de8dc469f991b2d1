CREATE TABLE "billing"."u" (
    "t_id" integer
);

ALTER TABLE "billing"."u" ADD CONSTRAINT "u_t_id_fkey" FOREIGN KEY ("t_id") REFERENCES "billing"."t" ("id");
