create extension citext;
create table t (a int, b citext, c citext[]);
