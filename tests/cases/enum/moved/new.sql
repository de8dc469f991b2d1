create schema other;
create type other.mood as enum ('sad', 'ok');
create table t (m other.mood default 'ok', ms other.mood[], constraint c check (m <> 'sad'));
