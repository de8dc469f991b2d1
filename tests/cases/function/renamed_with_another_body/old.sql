create function f(a integer) returns integer language sql immutable as 'select a';
create table t (id int constraint c check (f(id) > 0));
