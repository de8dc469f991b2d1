CREATE TABLE "public"."t" (
    "id" integer NOT NULL,
    "u_id" integer,
    CONSTRAINT "t_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "public"."u" (
    "id" integer NOT NULL,
    "t_id" integer,
    CONSTRAINT "u_pkey" PRIMARY KEY ("id")
);

ALTER TABLE "public"."t" ADD CONSTRAINT "t_u_id_fkey" FOREIGN KEY ("u_id") REFERENCES "public"."u" ("id");

ALTER TABLE "public"."u" ADD CONSTRAINT "u_t_id_fkey" FOREIGN KEY ("t_id") REFERENCES "public"."t" ("id");
