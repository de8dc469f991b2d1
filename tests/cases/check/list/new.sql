create table t (id int not null, a int, b varchar(9) check (b in ('x', 'y')), c timestamptz);
