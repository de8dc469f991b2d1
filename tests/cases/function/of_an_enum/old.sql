create type mood as enum ('a', 'b');
create function f(m mood) returns mood[] language sql as 'select array[m]';
