create type c as (a int, b int);
