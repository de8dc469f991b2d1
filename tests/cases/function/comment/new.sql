create function f(a int) returns int language sql immutable as $$ select a + 1 $$;
comment on function f(int) is 'one more';
