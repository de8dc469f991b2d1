create table p (a int, b text);
create table q (a int, b text);
create table t (c int) inherits (p);
