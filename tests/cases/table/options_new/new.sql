create table u ();
create unlogged table t (a int) with (fillfactor = 80);
