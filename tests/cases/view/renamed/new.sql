create table t (id int primary key, a int, b text);
create view w as select id from t;
