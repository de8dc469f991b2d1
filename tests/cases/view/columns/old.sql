create table notes (id integer, title text);
create view listed as select id, title from notes;
alter view listed alter column id set default 1;
comment on column listed.title is 'the old title';
