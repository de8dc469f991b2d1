create function usual() returns integer language sql as 'select 1';
create table notes (id integer default usual(), size integer default 1 + usual());
insert into notes default values;
