create table t (a int, b text, c text generated always as (b || '!') stored);
