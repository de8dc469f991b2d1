create collation plain (provider = icu, locale = 'de');
create domain word as text collate plain;
create table notes (title text collate plain default 'none' not null, tag word);
insert into notes values ('one', 'two');
create index by_title on notes (title);
create index by_tag on notes (tag collate plain);
