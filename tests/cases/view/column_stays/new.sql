create table t (id int primary key, a int, b text, c text);
create view v as select id, a from t;
