create table t (a int constraint positive check (a > 0));
