create table p (a int) partition by list (a);
create table p1 partition of p for values in (1);
grant select on p, p1 to pg_monitor;
grant update (a) on p1 to pg_monitor;
