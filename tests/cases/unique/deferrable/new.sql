create table t (a int constraint u unique deferrable);
