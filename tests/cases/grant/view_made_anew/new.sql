create table t (id int primary key, a bigint, b text);
create view v as select a from t;
create materialized view m as select a, b from t;
grant select on v, m to pg_monitor;
grant select (b) on m to pg_read_all_data;
