create function f(a int) returns int language sql immutable as $$ select a + 1 $$;
create table t (id int default f(1));
