create schema other;
create sequence other.s;
create table t (a bigint default nextval('other.s'));
