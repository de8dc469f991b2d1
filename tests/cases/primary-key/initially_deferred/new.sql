create table t (a int, primary key (a) deferrable initially deferred);
