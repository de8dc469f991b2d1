create type mood as enum ('sad', 'ok', 'happy', 'elated');
create table t (id int not null, m mood default 'elated', check (m <> 'elated' or id > 0));
