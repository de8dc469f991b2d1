create schema other;
create table t (id serial primary key, a text constraint filled check (a <> ''));
create index i on t (lower(a));
create statistics st on id, a from t;
create policy p on t using (a = 'a');
create table part (t_id integer constraint points references t (id));
create view v as select t.id, t.a from t;
insert into t (a) values ('x'), ('y')
