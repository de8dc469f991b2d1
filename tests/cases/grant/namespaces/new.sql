create schema billing;
create table billing.t ();
grant usage on schema billing to pg_monitor;
grant create, usage on schema billing to pg_read_all_data;
revoke all on schema public from public;
grant usage on schema public to pg_monitor;
grant select on billing.t to pg_monitor;
