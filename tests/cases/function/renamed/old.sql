create schema other;
create function f(a integer) returns integer language sql immutable as 'select a + 1';
create function trig() returns trigger language plpgsql as 'begin return new; end';
create table t (id int default f(1), g int generated always as (f(2)) stored, constraint c check (f(id) > 0));
create index i on t (f(id));
create trigger r before insert on t for each row execute function trig();
create policy p on t using (f(id) > 1);
create domain d as int constraint dc check (f(value) > 0);
create view v as select f(t.id) as x from t;
create function calls(x integer default f(3)) returns integer language sql begin atomic select f(x); end;
insert into t (id) values (1), (2)
