create table p (id int, a int, b int);
create table t (c int) inherits (p);
create view v as select a, c from t;
create view w as select id from t;
create index t_a on t (a, c);
create statistics s on a, c from t;
