create domain e as int;
create table t (b e);
