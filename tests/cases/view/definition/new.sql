create table t (id int primary key, a int, b text);
create view v as select a, id from t where b <> '';
