create function f(a int) returns int language sql stable strict parallel safe cost 7 set search_path = public as $$ select a + 1 $$;
