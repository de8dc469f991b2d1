ALTER TABLE "public"."v" DROP CONSTRAINT "f";

ALTER TABLE "public"."t" DROP CONSTRAINT "k";

-- hazard: add-primary-key:t.k
ALTER TABLE "public"."t" ADD CONSTRAINT "k" PRIMARY KEY ("a") INCLUDE ("b");

-- hazard: add-unique:t.u
ALTER TABLE "public"."t" ADD CONSTRAINT "u" UNIQUE ("a");

-- hazard: add-foreign-key:v.f
ALTER TABLE "public"."v" ADD CONSTRAINT "f" FOREIGN KEY ("a") REFERENCES "public"."t" ("a");
