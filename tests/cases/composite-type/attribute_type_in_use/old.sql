create type c as (a int, b text, d date);
create type e as (c c, n int);
create table t (id int, c c, many c[]);
create table u (e e);
