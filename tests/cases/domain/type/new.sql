create domain d as bigint;
create table t (a int, b d default 7, c d[], check (b > 0));
create index i on t (b);
create view v as select b from t;
