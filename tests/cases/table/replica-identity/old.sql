create table notes (id integer primary key);
alter table notes replica identity full;
create table tags (id integer not null unique);
alter table tags replica identity using index tags_id_key;
create table kept (id integer);
