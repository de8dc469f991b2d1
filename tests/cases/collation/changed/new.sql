create collation plain (provider = icu, locale = 'fr');
create domain word as text collate plain;
create table notes (title text collate plain default 'none' not null, tag word);
create index by_title on notes (title);
create index by_tag on notes (tag collate plain);
