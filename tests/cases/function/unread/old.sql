set check_function_bodies = off;
create function read_it() returns integer language sql as 'with named as (select 1) select n from elsewhere';
