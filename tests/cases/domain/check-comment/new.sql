create domain age as integer constraint grown check (value > 20) constraint alive check (value < 150);
comment on constraint grown on domain age is 'of age';
comment on constraint alive on domain age is 'it''s finite';
create domain size as integer constraint real check (value > 0);
comment on constraint real on domain size is 'no less';
