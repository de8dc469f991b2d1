ALTER TABLE "public"."t" DROP CONSTRAINT "t_m_check";

ALTER TABLE "public"."t" ALTER COLUMN "m" DROP DEFAULT;

-- asks: change-type:t.m
ALTER TABLE "public"."t" ALTER COLUMN "m" TYPE "public"."weather" USING "m"::text::"public"."weather";

ALTER TABLE "public"."t" ALTER COLUMN "m" SET DEFAULT 'ok'::public.weather;

-- hazard: add-check:t.t_m_check
ALTER TABLE "public"."t" ADD CONSTRAINT "t_m_check" CHECK ((m <> 'ok'::public.weather));
