create type mood as enum ('sad', 'ok');
create domain known as mood check (value <> 'sad');
create type entry as (at integer, mood mood);
create table notes (mood known default 'ok', last entry, moods mood[]);
insert into notes values ('ok', row(1, 'sad')::entry, '{sad,ok}');
