CREATE OR REPLACE AGGREGATE public."My Count"(*) (SFUNC = int8inc, STYPE = bigint, INITCOND = '0');

CREATE OR REPLACE AGGREGATE public.smallest(VARIADIC integer[]) (SFUNC = array_cat, STYPE = integer[], FINALFUNC = array_ndims, MSFUNC = array_cat, MINVFUNC = array_cat, MSTYPE = integer[], MFINALFUNC = array_ndims);
