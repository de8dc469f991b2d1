create table u ();
create table p (id int not null, day date not null, a text, primary key (id, day)) partition by range (day);
create table p1 partition of p for values from ('2026-01-01') to ('2026-02-01');
create table p2 partition of p default;
create index i on p (a);
create index j on p1 (a, id);
comment on table p1 is 'January';
