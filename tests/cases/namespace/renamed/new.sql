create schema b;
create type b.mood as enum ('sad', 'ok');
create domain b.short as text constraint short check (length(value) < 9);
create function b.f(m b.mood) returns boolean language sql immutable return m = 'ok'::b.mood;
create function b.g() returns trigger language plpgsql as 'begin return new; end';
create table b.t (id serial constraint key primary key, m b.mood default 'ok' constraint fine check (b.f(m)), s b.short, n bigint default nextval('b.t_id_seq'));
create index on b.t (b.f(m));
create trigger r before insert on b.t for each row execute function b.g();
create policy p on b.t using (exists (select from b.t u where u.id = t.id and b.f(u.m)));
create statistics b.st on id, m from b.t;
create table u (t_id integer constraint u_t_id_fkey references b.t, m b.mood default 'sad'::b.mood, constraint called check (b.f(m)));
create view v as select t.id, b.f(t.m) as good from b.t where t.m <> 'sad'::b.mood;
create view b.w as select v.id from v;
create function h(m b.mood, other b.mood[]) returns b.mood language sql as 'select m'
