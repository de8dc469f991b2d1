create function f(a int) returns int language sql immutable as $$ select a + 1 $$;
create table t (id int primary key, a int default f(1), g int generated always as (f(id)) stored, check (f(a) > 0));
create index i on t (f(a));
create view v as select f(id) as x from t;
