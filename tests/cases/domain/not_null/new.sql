create domain d as int not null;
create table t (b d);
