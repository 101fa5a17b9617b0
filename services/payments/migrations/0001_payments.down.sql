drop table if exists outbox;
drop table if exists sandbox_charges;
drop table if exists payments;
drop table if exists payables;
