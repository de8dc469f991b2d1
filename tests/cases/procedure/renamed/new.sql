create schema s;
create procedure s.g(a integer) language sql as 'select 1';
