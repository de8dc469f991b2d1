create table notes (id bigint generated always as identity);
insert into notes default values;
