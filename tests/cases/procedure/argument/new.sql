create procedure p(b int) language plpgsql as $$ begin perform b; end $$;
