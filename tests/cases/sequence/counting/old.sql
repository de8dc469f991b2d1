create sequence s start with 5;
create table t (a int default nextval('s'));
