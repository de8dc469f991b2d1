create procedure p(a int) language plpgsql as $$ begin null; end $$;
comment on procedure p(int) is 'does nothing';
