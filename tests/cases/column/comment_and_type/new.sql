create table t (id int not null, a bigint not null, b text, c timestamptz);
comment on column t.a is 'a larger number';
