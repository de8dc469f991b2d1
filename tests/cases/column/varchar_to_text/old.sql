create table t (a varchar(32) default 'x', check (a <> ''));
