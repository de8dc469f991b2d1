create table u (a int);
create table t (during daterange, constraint one exclude using gist (during with &&));
alter table t add constraint two exclude using gist (during with &&);
