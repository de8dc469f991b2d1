create table t (id int primary key, a int, b text);
grant select (a, b), insert (b) on t to pg_monitor;
grant all (a) on t to pg_read_all_data with grant option;
