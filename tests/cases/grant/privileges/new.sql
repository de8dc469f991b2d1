create table t (id int primary key, a int, b text);
grant select, update on t to pg_monitor;
grant select, truncate, trigger, references on t to pg_read_all_data;
