create type mood as enum ('ok', 'sad');
create domain known as mood check (value <> 'sad');
create type entry as (at integer, mood mood);
create table notes (mood known default 'ok', last entry, moods mood[]);
