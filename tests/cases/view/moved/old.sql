create schema other;
create table t (a int);
create view v as select a from t;
create view w as select v.a from v;
