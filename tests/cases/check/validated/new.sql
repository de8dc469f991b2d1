create table t (id int not null, a int, b text, c timestamptz);
alter table t add constraint k check (a > 0);
