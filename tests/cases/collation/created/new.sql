create collation plain (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
comment on collation plain is 'no case';
create collation bytes from "C";
create domain word as text collate bytes;
create type pair as (a text collate bytes, b integer);
create table notes (title text collate plain, body text collate "C", tag word);
create index by_title on notes (title collate bytes);
