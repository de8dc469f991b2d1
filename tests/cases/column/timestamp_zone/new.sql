create table t (a timestamptz(3));
