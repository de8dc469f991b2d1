create table t (a int) partition by range (a);
create table t1 partition of t default;
create index i on t (a) with (fillfactor = 80);
