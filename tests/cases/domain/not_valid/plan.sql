-- hazard: constrain-domain:d
ALTER DOMAIN "public"."d" VALIDATE CONSTRAINT "a";
