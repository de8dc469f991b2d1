create table t (id int not null, a int, b text, c timestamptz);
comment on table t is 'what it was';
