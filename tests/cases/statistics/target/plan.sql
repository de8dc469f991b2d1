ALTER STATISTICS "public"."together" SET STATISTICS 100;

CREATE STATISTICS public.more (mcv) ON a, b FROM public.notes;

ALTER STATISTICS "public"."more" SET STATISTICS 0;
