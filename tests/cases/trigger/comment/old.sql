create table t (id int primary key, a int, b text);
create function tf() returns trigger language plpgsql as $$ begin return new; end $$;
create trigger g before insert on t for each row execute function tf();
