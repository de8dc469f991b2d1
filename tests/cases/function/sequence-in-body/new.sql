create table notes (id integer);
create sequence numbers;
create function number() returns bigint language sql as $$ select nextval('numbers') $$;
