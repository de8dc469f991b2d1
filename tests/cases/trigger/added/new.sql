create table t (id int primary key, a int, b text);
create function tf() returns trigger language plpgsql as $$ begin return new; end $$;
create trigger g before insert or update of a, b on t for each row when (new.a > 0) execute function tf('x');
