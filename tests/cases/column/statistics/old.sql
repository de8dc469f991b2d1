create table notes (a integer, b integer, c integer);
alter table notes alter a set statistics 200;
alter table notes alter a set (n_distinct = 5);
