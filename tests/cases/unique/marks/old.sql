create table notes (id integer primary key, a integer not null, unique (a));
