create table notes (id integer);
create rule a as on insert to notes do instead nothing;
create rule b as on update to notes do instead nothing;
alter table notes disable rule b;
