create table notes (id integer, old integer) partition by range (id);
create table first partition of notes for values from (1) to (5);
create table second partition of notes for values from (5) to (9);
create table third partition of notes for values from (9) to (12);
