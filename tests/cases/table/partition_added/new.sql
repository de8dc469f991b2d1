create table p (id int not null, day date not null, a text) partition by range (day);
create table p1 partition of p for values from ('2026-01-01') to ('2026-02-01');
create table p2 partition of p for values from ('2026-02-01') to ('2026-03-01') partition by list (a);
create table p2a partition of p2 for values in ('a', null);
