create schema s;
create table s.p (id int primary key);
create table t (x int);
