create type mood as enum ('ok', 'happy', 'sad');
create domain d as mood;
create type c as (m mood, n int);
create type e as (c c, d d);
create table t (id int, m mood, d d, c c, e e, many c[]);
