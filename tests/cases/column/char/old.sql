create table t (a char(3));
