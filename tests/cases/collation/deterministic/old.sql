create collation c (provider = icu, locale = 'und-u-ks-level2');
create table t (a text collate c);
