create type c as (b int, a int);
