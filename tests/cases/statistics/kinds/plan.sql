DROP STATISTICS "public"."s";

CREATE STATISTICS public.s (ndistinct, mcv) ON a, lower(b) FROM public.t;
