-- asks: change-type:t.a
ALTER TABLE "public"."t" ALTER COLUMN "a" TYPE text USING "a"::text;

-- asks: drop-domain:d
DROP DOMAIN "public"."d";
