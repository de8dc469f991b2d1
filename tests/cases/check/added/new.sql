create table t (id int not null, a int check (a > 0), b text, c timestamptz);
