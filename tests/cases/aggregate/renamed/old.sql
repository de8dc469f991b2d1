create function f(a integer, b integer) returns integer language sql immutable as 'select a + b';
create aggregate total(integer) (sfunc = f, stype = integer, initcond = '0');
create view v as select total(x) as y from generate_series(1, 3) x;
