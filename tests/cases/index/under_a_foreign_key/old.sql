create table t (a int, b int);
create unique index i on t (a);
create table u (a int references t (a));
