create schema billing;
create table billing.t ();
