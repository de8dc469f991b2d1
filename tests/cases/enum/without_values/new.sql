create table t ();
create type nothing as enum ();
