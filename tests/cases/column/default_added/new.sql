create table t (id int not null, a int default 5, b text, c timestamptz);
