create table t ();
create sequence s;
