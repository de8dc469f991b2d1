create table u (id int);
create table t (id int primary key, owner text, a int);
