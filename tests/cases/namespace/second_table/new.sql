create schema billing;
create table billing.t (id int primary key);
create table billing.u (t_id int references billing.t);
