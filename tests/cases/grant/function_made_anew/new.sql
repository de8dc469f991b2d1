create function f(b int) returns int language sql as 'select 1';
revoke all on function f(int) from public;
grant execute on function f(int) to pg_monitor;
grant execute on function f(int) to pg_read_all_data;
