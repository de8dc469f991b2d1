create table notes (title text, body text collate "C");
create index by_title on notes (title);
