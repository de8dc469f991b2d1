create type c as (a bigint, b varchar(20), f int);
create type e as (c c, n int);
create table t (id int, c c, many c[]);
create table u (e e);
