create table t (id int primary key, a int, b text);
create function tf() returns trigger language plpgsql as $$ begin return new; end $$;
create view v as select a, id from t;
create trigger h instead of insert on v for each row execute function tf();
