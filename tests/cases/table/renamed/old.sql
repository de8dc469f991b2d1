create function touch() returns trigger language plpgsql as 'begin return new; end';
create table t (id serial primary key, a text constraint filled check (a <> ''), b int generated always as (length(a)) stored);
create index i on t (lower(a));
create statistics st on a, b from t;
create trigger r before update of a on t for each row when (old.a <> new.a) execute function touch();
create policy p on t using (exists (select from t x where x.id = t.id));
create rule kept as on delete to t do instead nothing;
create table part (t_id integer constraint points references t (id));
create view v as select t.id, a from t;
create materialized view m as select count(*) as n from t group by a;
create unique index on m (n);
insert into t (a) values ('x'), ('y')
