create table notes (id integer, title text);
create view listed as select id, title from notes;
alter view listed alter column id set default 2;
alter view listed alter column title set default 'none';
comment on column listed.id is 'it''s a number';
create sequence numbers;
create view more as select id from notes;
alter view more alter column id set default nextval('numbers');
comment on column more.id is 'counted';
