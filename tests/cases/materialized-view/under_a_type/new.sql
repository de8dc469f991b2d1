create table t (id int primary key, a int, b varchar(9));
create materialized view m as select id, b from t;
create index i on m (b);
create view v as select b from m;
