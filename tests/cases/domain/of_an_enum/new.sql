create type mood as enum ('b', 'a');
create domain d as mood;
create table t (b d);
