create domain d as int;
create type c as (a d, n int);
create table t (id int, c c);
