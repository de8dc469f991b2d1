CREATE TABLE "public"."b" (
    "y" integer,
    CONSTRAINT "b_y_check" CHECK ((y > 0))
) INHERITS ("public"."a");

CREATE INDEX "i" ON "public"."b" ("y");
