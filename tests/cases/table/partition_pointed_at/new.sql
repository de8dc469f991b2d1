create table t (a int primary key, b int references t (a)) partition by range (a);
create table t2 partition of t for values from (2) to (100);
