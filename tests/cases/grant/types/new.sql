create type mood as enum ('a', 'b');
create domain d as int;
create type pair as (x int, y int);
revoke usage on type mood, d, pair from public;
grant usage on domain d to pg_monitor with grant option;
