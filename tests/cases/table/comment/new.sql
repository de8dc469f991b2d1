create table t (id int not null, a int, b text, c timestamptz);
comment on table t is 'it''s a "table"; with \ and
two lines';
