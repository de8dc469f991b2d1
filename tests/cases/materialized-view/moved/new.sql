create schema other;
create table t (a int);
create materialized view other.v as select a from t;
create index i on other.v (a);
