create table t (id int not null, a int, b text, c timestamptz);
comment on column t.a is 'a number';
