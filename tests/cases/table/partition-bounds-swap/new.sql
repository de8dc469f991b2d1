create table notes (id integer, new integer) partition by range (id);
create table first partition of notes for values from (5) to (12);
create table second partition of notes for values from (1) to (5);
create table fourth partition of notes for values from (12) to (14);
