create table t (id int primary key, a int, b text);
grant select, insert on t to pg_monitor with grant option;
grant all on t to pg_read_all_data;
grant update on t to pg_read_all_data with grant option;
