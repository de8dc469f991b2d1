CREATE TABLE "public"."t" (
    "id" integer NOT NULL,
    "parent" integer,
    CONSTRAINT "t_pkey" PRIMARY KEY ("id")
);

ALTER TABLE "public"."t" ADD CONSTRAINT "t_parent_fkey" FOREIGN KEY ("parent") REFERENCES "public"."t" ("id") ON DELETE CASCADE;
