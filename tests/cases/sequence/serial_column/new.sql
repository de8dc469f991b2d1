create table t (a int, b serial);
