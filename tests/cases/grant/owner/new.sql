create table t (id int primary key, a int, b text);
revoke all on t from current_user;
grant select on t to current_user with grant option;
grant select on t to pg_monitor;
