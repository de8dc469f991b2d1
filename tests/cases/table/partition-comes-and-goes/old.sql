create table users (id integer primary key);
create table notes (id integer, day date not null, author integer references users (id), primary key (id), check (id > 0))
    partition by range (id);
create index by_day on notes (day);
create table first (day date not null, id integer not null, author integer, constraint mine primary key (id), check (id < 10));
create index mine_by_day on first (day);
create index mine_by_author on first (author);
insert into first values ('2024-01-01', 1);
create table second partition of notes for values from (10) to (20);
insert into notes values (11, '2024-01-01');
