create table notes (id integer, title text);
create function label(note notes) returns text language sql as 'select note.title';
create table tags (name text);
create function tagged(tag tags) returns setof tags language sql as 'select tag.*';
