create table a (id int, x text);
create table b (y int, check (y > 0)) inherits (a);
create index i on b (y);
