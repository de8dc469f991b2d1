create aggregate total(amount integer) (sfunc = int4pl, stype = integer, initcond = '0');
create view v as select total(n) from generate_series(1, 3) n;
