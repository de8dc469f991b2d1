create schema other;
create type mood as enum ('sad', 'ok');
create table t (m mood default 'ok', ms mood[], constraint c check (m <> 'sad'));
