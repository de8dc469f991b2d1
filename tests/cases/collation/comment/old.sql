create collation c (provider = libc, locale = 'C');
