create table t (id int primary key, a int, b text);
create materialized view v as select a from t;
grant select on v to pg_monitor;
