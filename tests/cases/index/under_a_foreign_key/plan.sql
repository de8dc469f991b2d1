ALTER TABLE "public"."u" DROP CONSTRAINT "u_a_fkey";

DROP INDEX "public"."i";

-- hazard: add-index:t.i
CREATE UNIQUE INDEX "i" ON "public"."t" ("a") INCLUDE ("b");

-- hazard: add-foreign-key:u.u_a_fkey
ALTER TABLE "public"."u" ADD CONSTRAINT "u_a_fkey" FOREIGN KEY ("a") REFERENCES "public"."t" ("a");
