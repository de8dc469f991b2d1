create table notes (a integer, b integer);
create statistics together on a, b from notes;
alter statistics together set statistics 100;
create statistics more (mcv) on a, b from notes;
alter statistics more set statistics 0;
