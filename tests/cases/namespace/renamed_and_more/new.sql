create schema "B";
create table "B".u (id int, x text);
comment on schema "B" is 'hers';
