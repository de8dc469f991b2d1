create type e as (a int);
create table t (x e, y e[]);
