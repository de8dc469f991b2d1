create domain d as int not null check (value > 0);
create type c as (a d);
create table t (id int, d d, many d[], c c);
