create type mood as enum ('sad', 'ok');
create function f(m mood) returns mood language sql immutable return m;
create function plain(m mood) returns setof mood language sql as 'select m';
create domain d as mood constraint fine check (value <> 'sad'::mood);
create type pair as (one mood, other mood);
create table t (m mood, constraint c check (f(m) <> 'sad'::mood));
create view v as select m from t where m = 'ok'::mood;
create view w as select 'ok'::mood;
