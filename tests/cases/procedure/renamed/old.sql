create procedure f(a integer) language sql as 'select 1';
