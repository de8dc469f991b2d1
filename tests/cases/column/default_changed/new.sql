create table t (id int not null, a int, b text default 'y''s', c timestamptz);
