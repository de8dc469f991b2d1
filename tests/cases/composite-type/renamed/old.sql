create type c as (a int);
create table t (x c, y c[]);
