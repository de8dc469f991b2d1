create schema other;
create domain other.e as text constraint c check (value <> '');
create table t (a other.e);
