create table a (id int, x text);
create table b (y int) inherits (a);
