create table t (a text default 'x', check (a <> ''));
