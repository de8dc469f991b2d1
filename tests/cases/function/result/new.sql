create function f(a int) returns bigint language sql immutable as $$ select a::bigint + 2 $$;
