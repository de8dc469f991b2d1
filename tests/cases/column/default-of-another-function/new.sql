create function usual(n integer default 0) returns integer language sql as 'select n';
create table notes (id integer default usual(), size integer default 1 + usual());
