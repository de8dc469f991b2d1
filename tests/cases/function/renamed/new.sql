create schema other;
create function g(a integer) returns integer language sql immutable as 'select a + 1';
create function "Trig"() returns trigger language plpgsql as 'begin return new; end';
create table t (id int default g(1), g int generated always as (g(2)) stored, constraint c check (g(id) > 0));
create index i on t (g(id));
create trigger r before insert on t for each row execute function "Trig"();
create policy p on t using (g(id) > 1);
create domain d as int constraint dc check (g(value) > 0);
create view v as select g(t.id) as x from t;
create function calls(x integer default g(3)) returns integer language sql begin atomic select g(x); end;
insert into t (id) values (1), (2)
