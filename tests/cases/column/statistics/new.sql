create table notes (a integer, b integer, c integer, d integer);
alter table notes alter b set statistics 0;
alter table notes alter a set (n_distinct_inherited = 3);
alter table notes alter d set statistics 10;
alter table notes alter d set (n_distinct = -0.5);
