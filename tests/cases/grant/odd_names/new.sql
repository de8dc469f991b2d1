create table "T.$$ %" ("a.b" int generated always as identity);
grant select on "T.$$ %" to pg_monitor;
grant select ("a.b") on "T.$$ %" to pg_monitor;
grant usage on sequence "T.$$ %_a.b_seq" to pg_monitor;
