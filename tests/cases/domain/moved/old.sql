create schema other;
create domain d as text constraint c check (value <> '');
create table t (a d);
