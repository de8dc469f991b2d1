create table users (id integer primary key);
create table notes (id integer, day date not null, author integer references users (id), primary key (id), check (id > 0))
    partition by range (id);
create index by_day on notes (day);
create table first partition of notes (check (id < 10)) for values from (0) to (10);
create index mine_by_author on first (author);
create table second (id integer primary key, day date not null, author integer, check (id > 0));
create index second_by_day on second (day);
