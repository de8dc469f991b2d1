create table t (a text collate "C", g text generated always as (lower(a)) stored);
create view v as select a from t;
create policy p on t using (a > 'x');
create function f() returns trigger language plpgsql as 'begin return new; end';
create trigger r before update of a on t for each row execute function f();
create rule l as on delete to t where old.a is null do instead nothing;
create function g() returns bigint begin atomic select count(a) from t; end;
