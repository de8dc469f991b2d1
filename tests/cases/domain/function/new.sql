create function f(int) returns boolean language sql immutable as 'select true';
create domain d as int check (f(value));
