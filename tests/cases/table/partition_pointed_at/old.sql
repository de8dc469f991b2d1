create table t (a int primary key, b int references t (a)) partition by range (a);
create table t1 partition of t for values from (0) to (2) partition by list (a);
create table t1a partition of t1 default;
create table t2 partition of t for values from (2) to (100);
