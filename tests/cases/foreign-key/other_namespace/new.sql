create schema s;
create table s.p (id int primary key);
create table t (x int, constraint f foreign key (x) references s.p);
