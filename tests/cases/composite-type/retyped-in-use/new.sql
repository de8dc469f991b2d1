create type place as (x bigint, name varchar(10));
create table notes (id integer, seen place default row(1, 'here')::place);
create function shown(place) returns text language sql as 'select $1.name::text';
create view listed as select (seen).x from notes;
