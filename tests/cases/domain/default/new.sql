create domain d as varchar(9) not null constraint short check (length(value) < 5);
create table t (b d);
