create function f(b int) returns int language sql immutable as $$ select b + 2 $$;
create table t (id int primary key, a int default f(1), b int default f(3));
