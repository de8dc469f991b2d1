create type place as (x integer, name text);
create table notes (id integer, seen place default row(1, 'here')::place);
insert into notes values (1, row(2, '3')::place);
create function shown(place) returns text language sql as 'select $1.name::text';
create view listed as select (seen).x from notes;
