create schema other;
create table other.t (id serial primary key, a text constraint filled check (a <> ''));
create index i on other.t (lower(a));
create statistics other.st on id, a from other.t;
create policy p on other.t using (a = 'a');
create table part (t_id integer constraint points references other.t (id));
create view v as select t.id, t.a from other.t;
insert into other.t (a) values ('x'), ('y')
