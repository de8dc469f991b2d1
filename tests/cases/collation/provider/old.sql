create collation c (provider = libc, locale = 'C');
create table t (a text collate c);
