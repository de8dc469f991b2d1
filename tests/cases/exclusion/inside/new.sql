create extension btree_gist;
create table t (id int, a int4range, b int, exclude using gist (b with =, a with &&) where (b > 0) deferrable initially deferred);
