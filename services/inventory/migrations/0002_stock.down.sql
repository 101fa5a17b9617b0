drop table if exists outbox;
drop table if exists reserved_pieces;
drop table if exists reservations;
drop table if exists stock;
drop function if exists refuse_deletion_of_reserved_stock;
drop table if exists categories;
alter table products
  drop column if exists category_id,
  drop column if exists description;
