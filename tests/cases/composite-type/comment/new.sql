create type c as (a int);
comment on type c is 'a row';
