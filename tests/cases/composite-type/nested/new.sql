create type a as (x int);
create type b as (y a);
create table t (z b);
