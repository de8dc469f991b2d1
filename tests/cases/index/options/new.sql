create table t (id int not null, a int, b text, c timestamptz);
create index i on t (a) with (fillfactor = 80, deduplicate_items = off);
