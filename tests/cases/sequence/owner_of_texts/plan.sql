CREATE SEQUENCE "public"."s";

CREATE SEQUENCE "public"."u";

ALTER SEQUENCE "public"."s" OWNED BY "public"."t"."a";

ALTER SEQUENCE "public"."u" OWNED BY "public"."t"."b";
