create function g(a integer) returns integer language sql immutable as 'select a + 1';
create table t (id int constraint c check (g(id) > 0));
