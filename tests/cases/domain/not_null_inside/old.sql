create domain d as int;
create type c as (a d);
create table t (id int, d d, many d[], c c);
