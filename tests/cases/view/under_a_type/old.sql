create table t (id int primary key, a int, b text);
create view v as select id, b from t;
create view w as select b from v;
