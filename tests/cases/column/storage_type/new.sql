create table t (a varchar(9), b text);
alter table t alter a set storage main;
