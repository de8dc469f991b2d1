create function f(a int) returns int language sql immutable as $$ select a + 1 $$;
create function f(a text, variadic b int[]) returns setof text language plpgsql as 'begin return next a; end';
