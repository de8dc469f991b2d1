create table t (id int primary key, a int, b text);
grant select (a), update (a) on t to pg_monitor;
grant select (b) on t to pg_read_all_data;
