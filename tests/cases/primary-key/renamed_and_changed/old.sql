create table t (a int constraint one primary key);
