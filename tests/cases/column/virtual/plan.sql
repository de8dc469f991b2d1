DROP VIEW "public"."v";

ALTER TABLE "public"."t" DROP COLUMN "b";

ALTER TABLE "public"."t" ADD COLUMN "b" integer GENERATED ALWAYS AS ((a + 1)) VIRTUAL;

CREATE VIEW "public"."v" AS
SELECT b
   FROM public.t;
