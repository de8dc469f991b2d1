create collation c (provider = libc, lc_collate = 'C', lc_ctype = 'POSIX');
create table t (a text collate c);
