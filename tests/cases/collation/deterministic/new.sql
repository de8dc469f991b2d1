create collation c (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
create table t (a text collate c);
