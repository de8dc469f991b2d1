create table t (a text, b text, c text);
alter table t alter a set storage external;
