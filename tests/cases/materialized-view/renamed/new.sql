create table t (id int primary key, a int, b text);
create materialized view n as select id from t;
create index i on n (id);
