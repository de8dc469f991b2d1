create function f(a integer, b integer) returns integer language sql immutable as 'select a + b';
create aggregate sum_of(integer) (sfunc = f, stype = integer, initcond = '0');
create view v as select sum_of(x) as y from generate_series(1, 3) x;
