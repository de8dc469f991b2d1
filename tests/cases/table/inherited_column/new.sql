create table a (id int, z int);
create table b (y int) inherits (a);
