create table t (id int primary key, a int, b text);
create table u (id serial);
grant select on u to pg_monitor;
grant update (id) on u to pg_monitor;
grant usage on sequence u_id_seq to pg_monitor;
