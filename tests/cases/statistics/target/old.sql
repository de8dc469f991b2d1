create table notes (a integer, b integer);
create statistics together on a, b from notes;
