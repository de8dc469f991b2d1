create table t (a int, b int, constraint k primary key (a), constraint u unique (a));
create table v (a int constraint f references t (a));
