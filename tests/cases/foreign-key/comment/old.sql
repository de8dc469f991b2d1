create table o (a int primary key);
create table t (a int references o);
