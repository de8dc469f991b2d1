create function touch() returns trigger language plpgsql as 'begin return new; end';
create table u (id serial primary key, a text constraint filled check (a <> ''), b int generated always as (length(a)) stored);
create index i on u (lower(a));
create statistics st on a, b from u;
create trigger r before update of a on u for each row when (old.a <> new.a) execute function touch();
create policy p on u using (exists (select from u x where x.id = u.id));
create rule kept as on delete to u do instead nothing;
create table part (t_id integer constraint points references u (id));
create view v as select u.id, a from u;
create materialized view m as select count(*) as n from u group by a;
create unique index on m (n);
insert into u (a) values ('x'), ('y')
