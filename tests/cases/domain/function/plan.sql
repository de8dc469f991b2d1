CREATE DOMAIN "public"."d" AS integer CONSTRAINT "d_check" CHECK (public.f(VALUE));
