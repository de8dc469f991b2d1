create type c as (a int, n int);
create table t (id int, c c);
