create table t (a text collate "C");
create index on t (a);
