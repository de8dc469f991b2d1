create function f(b int) returns int language sql immutable as $$ select b + 2 $$;
