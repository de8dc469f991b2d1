create table t (id int, a int4range, b int, constraint x exclude using gist (a with &&));
comment on constraint x on t is 'apart';
