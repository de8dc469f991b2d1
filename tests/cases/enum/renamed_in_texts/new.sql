create type feeling as enum ('sorry', 'ok');
create function f(m feeling) returns feeling language sql immutable return m;
create function plain(m feeling) returns setof feeling language sql as 'select m';
create domain d as feeling constraint fine check (value <> 'sorry'::feeling);
create type pair as (one feeling, other feeling);
create table t (m feeling, constraint c check (f(m) <> 'sorry'::feeling));
create view v as select m from t where m = 'ok'::feeling;
create view w as select 'ok'::feeling;
