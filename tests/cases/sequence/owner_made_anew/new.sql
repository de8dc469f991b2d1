create table t (a int[], b int);
create table p (id serial, day date) partition by list (day);
create sequence s owned by t.a;
