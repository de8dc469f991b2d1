create schema a;
create type a.mood as enum ('sad', 'ok');
create domain a.short as text constraint short check (length(value) < 9);
create function a.f(m a.mood) returns boolean language sql immutable return m = 'ok'::a.mood;
create function a.g() returns trigger language plpgsql as 'begin return new; end';
create table a.t (id serial constraint key primary key, m a.mood default 'ok' constraint fine check (a.f(m)), s a.short, n bigint default nextval('a.t_id_seq'));
create index on a.t (a.f(m));
create trigger r before insert on a.t for each row execute function a.g();
create policy p on a.t using (exists (select from a.t u where u.id = t.id and a.f(u.m)));
create statistics a.st on id, m from a.t;
create table u (t_id integer constraint u_t_id_fkey references a.t, m a.mood default 'sad'::a.mood, constraint called check (a.f(m)));
create view v as select t.id, a.f(t.m) as good from a.t where t.m <> 'sad'::a.mood;
create view a.w as select v.id from v;
create function h(m a.mood, other a.mood[]) returns a.mood language sql as 'select m'
