create table t (a text, b bigint);
create sequence s owned by t.a;
create sequence u owned by t.b;
