create type mood as enum ('a', 'b');
create domain d as int;
create type pair as (x int, y int);
grant usage on type mood to pg_monitor;
