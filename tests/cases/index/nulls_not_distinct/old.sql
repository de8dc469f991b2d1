create table t (id int not null, a int, b text, c timestamptz);
create unique index i on t (a);
