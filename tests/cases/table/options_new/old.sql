create table u ();
