create table new (id int generated always as identity, b int);
grant select, insert on new to pg_monitor;
grant update (b) on new to pg_monitor;
grant usage on sequence new_id_seq to pg_monitor;
create type feeling as enum ('x');
revoke usage on type feeling from public;
