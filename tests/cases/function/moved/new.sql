create schema other;
create function other.f(a integer) returns integer language sql immutable as 'select a + 1';
create function trig() returns trigger language plpgsql as 'begin return new; end';
create table t (id int default other.f(1), g int generated always as (other.f(2)) stored, constraint c check (other.f(id) > 0));
create index i on t (other.f(id));
create trigger r before insert on t for each row execute function trig();
create policy p on t using (other.f(id) > 1);
create domain d as int constraint dc check (other.f(value) > 0);
create view v as select other.f(t.id) as x from t;
create function calls(x integer default other.f(3)) returns integer language sql begin atomic select other.f(x); end;
insert into t (id) values (1), (2)
