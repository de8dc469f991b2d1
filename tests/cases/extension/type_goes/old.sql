create extension citext;
create table t (a citext, b int);
