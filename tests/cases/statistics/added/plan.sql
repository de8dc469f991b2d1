CREATE STATISTICS public.s ON a, b FROM public.t;
