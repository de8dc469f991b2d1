create sequence s;
create table t (a int, b int);
alter sequence s owned by t.a;
