create table t (id int, a int not null default 7, b text);
create index i on t (a);
