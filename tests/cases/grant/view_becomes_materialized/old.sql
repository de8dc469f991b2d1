create table t (id int primary key, a int, b text);
create view v as select a from t;
grant select, insert on v to pg_monitor;
