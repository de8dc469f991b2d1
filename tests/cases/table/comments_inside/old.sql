create table o (a int primary key);
