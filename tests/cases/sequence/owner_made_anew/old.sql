create table t (a bytea, b int);
create table p (id serial, day date) partition by range (day);
create sequence s owned by t.a;
