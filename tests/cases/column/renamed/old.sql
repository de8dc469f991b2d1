create table t (id int primary key, body text not null default 'x', g text generated always as (upper(body)) stored, constraint c check (length(body) < 9), constraint q unique (body));
create index i on t (lower(body)) where body <> 'body';
create trigger r before update of body on t for each row when (old.body <> new.body) execute function suppress_redundant_updates_trigger();
create policy p on t using (body <> '');
create statistics st on id, body from t;
create table u (a text constraint points references t (body));
create view v as select id, body as x from t where body <> '';
insert into t (id, body) values (1, 'a'), (2, 'b')
