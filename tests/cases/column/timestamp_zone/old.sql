create table t (a timestamp(3));
