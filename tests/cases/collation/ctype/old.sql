create collation c (provider = libc, lc_collate = 'C', lc_ctype = 'C');
create table t (a text collate c);
