create table t (id int not null, a int unique, b text, c timestamptz);
