create function add(int, int) returns int language sql immutable as 'select $1 + $2';
create aggregate total(int) (sfunc = add, stype = int, initcond = '0');
create view v as select total(x) as t from generate_series(1, 3) x;
