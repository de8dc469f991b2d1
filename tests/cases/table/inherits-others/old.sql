create table one (a integer, check (a > 0));
create table two (x text not null default 'x');
create table heir (b integer) inherits (one);
insert into heir (a, b) values (1, 2);
create table alone (x text not null default 'x', b integer);
insert into alone (b) values (3);
