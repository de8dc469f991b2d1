create schema other;
comment on schema other is 'elsewhere';
