create sequence s;
create table t (b int, c int);
alter sequence s owned by t.c;
