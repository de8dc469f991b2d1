create table notes (id integer, title text);
create materialized view listed as select id, title from notes;
comment on column listed.id is 'the number';
