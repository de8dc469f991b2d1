create table notes (id integer, title text, size integer, done boolean);
create view listed with (security_barrier = true) as select id, title, done from notes where size > 0;
comment on column listed.id is 'the number';
create view above as select id, title from listed;
create function first() returns setof listed language sql as 'select * from listed';
create view turned as select title, id from notes;
