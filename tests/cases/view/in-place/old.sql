create table notes (id integer, title text, size integer);
create view listed as select id, title from notes;
comment on column listed.id is 'the number';
create view above as select * from listed;
create function first() returns setof listed language sql as 'select * from listed';
create view turned as select id, title from notes;
