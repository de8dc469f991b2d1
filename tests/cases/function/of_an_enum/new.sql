create type mood as enum ('b', 'a');
create function f(m mood) returns mood[] language sql as 'select array[m]';
