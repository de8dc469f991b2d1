create table t (a int constraint two check (a > 0));
