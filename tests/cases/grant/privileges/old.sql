create table t (id int primary key, a int, b text);
grant select, insert, delete on t to pg_monitor;
grant all on t to pg_read_all_data;
