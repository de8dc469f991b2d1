create schema billing;
create table billing.t (id int primary key);
