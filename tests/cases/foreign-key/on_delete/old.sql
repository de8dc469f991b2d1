create table p (id int primary key, a int, b int, unique (a, b), unique (b));
create table t (x int, y int, constraint f foreign key (x) references p);
