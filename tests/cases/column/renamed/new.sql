create table t (id int primary key, "The text" text not null default 'x', g text generated always as (upper("The text")) stored, constraint c check (length("The text") < 9), constraint q unique ("The text"));
create index i on t (lower("The text")) where "The text" <> 'body';
create trigger r before update of "The text" on t for each row when (old."The text" <> new."The text") execute function suppress_redundant_updates_trigger();
create policy p on t using ("The text" <> '');
create statistics st on id, "The text" from t;
create table u (a text constraint points references t ("The text"));
create view v as select id, "The text" as x from t where "The text" <> '';
insert into t (id, "The text") values (1, 'a'), (2, 'b')
