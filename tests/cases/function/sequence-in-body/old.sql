create table notes (id integer);
create function number() returns bigint language sql as 'select 1::bigint';
