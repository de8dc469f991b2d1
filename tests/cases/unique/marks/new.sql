create table notes (id integer primary key, a integer not null, unique (a));
alter table notes cluster on notes_pkey;
alter table notes replica identity using index notes_a_key;
