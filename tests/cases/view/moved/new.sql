create schema other;
create table t (a int);
create view other.u as select a from t;
create view w as select u.a from other.u;
