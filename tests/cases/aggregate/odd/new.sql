create table t ();
create aggregate "My Count"(*) (sfunc = int8inc, stype = int8, initcond = '0');
create aggregate smallest(variadic int[]) (sfunc = array_cat, stype = int[], msfunc = array_cat, minvfunc = array_cat, mstype = int[], mfinalfunc = array_ndims, finalfunc = array_ndims);
