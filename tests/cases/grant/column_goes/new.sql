create table t (id int primary key, b text);
grant select (b) on t to pg_monitor;
