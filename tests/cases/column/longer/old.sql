create table t (a varchar(32));
