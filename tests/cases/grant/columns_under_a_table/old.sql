create table t (id int primary key, a int, b text);
grant select, insert on t to pg_monitor;
grant select (a), update (b) on t to pg_monitor;
