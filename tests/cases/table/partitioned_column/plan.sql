-- asks: change-type:p.a
ALTER TABLE "public"."p" ALTER COLUMN "a" TYPE varchar(9) USING "a"::varchar;

ALTER TABLE "public"."p" ADD COLUMN "b" integer DEFAULT 7;

-- hazard: add-check:p.p_b_check
ALTER TABLE "public"."p" ADD CONSTRAINT "p_b_check" CHECK ((b > 0));
