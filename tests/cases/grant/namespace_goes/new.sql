create table u ();
create schema billing;
grant usage on schema billing to pg_monitor;
create table billing.t (a int);
grant select on billing.t to pg_monitor;
grant select (a) on billing.t to pg_read_all_data;
create function billing.f() returns int language sql as 'select 1';
revoke all on function billing.f() from public;
