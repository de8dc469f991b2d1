create table p (a int, b text) partition by range (a);
create table q (a int, b text) partition by range (a);
create table t partition of p for values from (0) to (10);
