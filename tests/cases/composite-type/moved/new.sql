create schema other;
create type other.c as (a int);
create table t (a other.c);
