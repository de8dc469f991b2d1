create function f(int) returns boolean language sql immutable as 'select true';
