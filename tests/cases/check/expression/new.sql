create table t (id int not null, a int check (a > 1), b text, c timestamptz);
