-- hazard: constrain-domain:d
ALTER DOMAIN "public"."d" SET NOT NULL;
