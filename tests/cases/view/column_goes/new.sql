create table t (id int primary key, b text);
create view v as select id from t;
