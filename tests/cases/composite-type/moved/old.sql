create schema other;
create type c as (a int);
create table t (a c);
