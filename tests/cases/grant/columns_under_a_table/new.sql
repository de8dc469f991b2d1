create table t (id int primary key, a int, b text);
grant insert on t to pg_monitor;
grant select (a), update (b), references (b) on t to pg_monitor;
