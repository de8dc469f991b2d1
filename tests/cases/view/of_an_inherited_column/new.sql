create table p (id int, b int);
create table t (c int) inherits (p);
create view v as select c from t;
create view w as select id from t;
