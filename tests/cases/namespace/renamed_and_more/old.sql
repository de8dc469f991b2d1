create schema a;
create table a.t (id int);
create table a.gone (id int);
