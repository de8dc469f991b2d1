create schema other;
create sequence s;
create table t (a bigint default nextval('s'));
