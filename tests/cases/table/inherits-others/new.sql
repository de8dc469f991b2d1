create table one (a integer, check (a > 0));
create table two (x text not null default 'x', y integer, check (y > 0) no inherit);
create table heir (a integer, b integer);
create table alone (b integer) inherits (two);
