ALTER DOMAIN "public"."age" DROP CONSTRAINT "grown";

COMMENT ON CONSTRAINT "alive" ON DOMAIN "public"."age" IS 'it''s finite';

-- hazard: constrain-domain:age
ALTER DOMAIN "public"."age" ADD CONSTRAINT "grown" CHECK ((VALUE > 20));

COMMENT ON CONSTRAINT "grown" ON DOMAIN "public"."age" IS 'of age';

CREATE DOMAIN "public"."size" AS integer CONSTRAINT "real" CHECK ((VALUE > 0));

COMMENT ON CONSTRAINT "real" ON DOMAIN "public"."size" IS 'no less';
