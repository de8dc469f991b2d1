create sequence s start with 5 increment by 3 cycle;
create table t (a int default nextval('s'));
