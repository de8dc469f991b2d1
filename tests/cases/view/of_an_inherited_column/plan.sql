-- hazard: drop-statistics:t.s
DROP STATISTICS "public"."s";

DROP VIEW "public"."v";

-- hazard: drop-index:t.t_a
DROP INDEX "public"."t_a";

-- asks: drop-column:p.a
ALTER TABLE "public"."p" DROP COLUMN "a";

CREATE VIEW "public"."v" AS
SELECT t.c
   FROM public.t;
