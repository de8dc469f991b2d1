create table old (id int generated always as identity, a int);
grant select on old to pg_monitor;
grant update (a) on old to pg_monitor;
grant usage on sequence old_id_seq to pg_monitor;
create type mood as enum ('x');
revoke usage on type mood from public;
