create table t (id int primary key, a int, b varchar(9));
create function tf() returns trigger language plpgsql as $$ begin return new; end $$;
create trigger g before update of b on t for each row when (old.b <> new.b) execute function tf();
