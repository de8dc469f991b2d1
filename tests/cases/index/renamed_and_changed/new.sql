create table t (a int);
create index j on t (a) with (fillfactor = 80);
comment on index j is 'said';
