create table notes (id integer);
create function label(note notes) returns text language sql as 'select note.id::text';
