create table t (a text, b numeric);
alter table t alter a set storage main;
alter table t alter b set storage external;
