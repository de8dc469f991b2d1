create sequence "S'1";
create table t (a int default nextval('"S''1"'));
