create type mood as enum ('b', 'c');
create table t (m mood);
revoke usage on type mood from public;
grant usage on type mood to pg_monitor;
