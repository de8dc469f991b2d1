create table t (a int, b int, constraint k primary key (a) include (b), constraint u unique (a));
create table v (a int constraint f references t (a));
