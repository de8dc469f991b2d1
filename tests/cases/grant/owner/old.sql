create table t (id int primary key, a int, b text);
grant select on t to pg_monitor;
