create table t (id int primary key, a int, b text);
create function tf() returns trigger language plpgsql as $$ begin return new; end $$;
create constraint trigger g after insert on t deferrable initially deferred for each row execute function tf();
create view v as select id from t;
create trigger h instead of insert on v for each row execute function tf();
