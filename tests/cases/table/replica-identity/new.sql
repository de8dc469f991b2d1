create table notes (id integer primary key);
create table tags (id integer not null unique);
alter table tags replica identity full;
create table kept (id integer);
alter table kept replica identity nothing;
create table fresh (id integer not null unique);
alter table fresh replica identity using index fresh_id_key;
