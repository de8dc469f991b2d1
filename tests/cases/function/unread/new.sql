set check_function_bodies = off;
create function read_it() returns integer language sql as 'select n + 1 from elsewhere';
