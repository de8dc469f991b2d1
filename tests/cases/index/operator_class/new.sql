create table t (id int not null, a int, b text, c timestamptz);
create index i on t (b text_pattern_ops);
