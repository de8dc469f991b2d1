create table notes (id bigint generated always as identity (minvalue 5 maxvalue 100));
