create table t (a varchar(64));
