create domain d as varchar(9) default 'x' not null constraint short check (length(value) < 5);
create table t (a int, b d, c d[]);
