create function f(a int, b text default 'x', variadic c int[] default '{}') returns int language sql as 'select 1';
create function f() returns int language sql as 'select 1';
create procedure p(a int default 3) language sql as 'select 1';
create aggregate agg(int) (sfunc = int4pl, stype = int);
grant execute on function f(int, text, int[]) to pg_monitor;
