create table t ();
create type c as (a int, b varchar(9) collate "C", "c d" text[]);
