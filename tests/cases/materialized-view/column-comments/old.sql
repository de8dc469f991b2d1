create table notes (id integer, title text);
create materialized view listed as select id, title from notes;
comment on column listed.title is 'the old title';
