create table t (id int, a int, b date) partition by range (id);
create table t1 partition of t for values from (0) to (10);
create view v as select a from t1;
create policy q on t1 using (a > 0);
