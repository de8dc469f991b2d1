ALTER DOMAIN "public"."d" DROP CONSTRAINT "a";

ALTER DOMAIN "public"."d" DROP CONSTRAINT "b";

-- hazard: constrain-domain:d
ALTER DOMAIN "public"."d" ADD CONSTRAINT "a" CHECK ((VALUE > 1));

-- hazard: constrain-domain:d
ALTER DOMAIN "public"."d" ADD CONSTRAINT "c" CHECK ((VALUE < 9));
