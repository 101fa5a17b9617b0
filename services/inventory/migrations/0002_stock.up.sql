alter table products
  add column if not exists description text,
  add column if not exists category_id text;

-- Seeded apart from products and in any order: no foreign key between them.
create table if not exists categories (
  id text primary key,
  name text not null
);

-- Pieces of a product. One without a row here can always be ordered. Seeds write on_hand, all pieces in the house; only the service writes the rest.
-- `version` counts the product's stock_events; `told` is on_hand as the last of them had it.
create table if not exists stock (
  product_id text primary key,
  on_hand int not null,
  reserved int not null default 0,
  version int not null default 0,
  told int,
  constraint on_hand_covers_what_is_reserved check (reserved >= 0 and on_hand >= reserved)
);
create index if not exists stock_untold on stock (product_id) where on_hand is distinct from told;

-- What has become of each order's pieces. Also the memory of facts that were handled, so that each has its effect once: `is_confirmed` and
-- `is_cancelled` stay when the order's creation is yet to come. `version` counts the order's events that this service has sent.
create table if not exists reservations (
  order_id uuid primary key,
  status text not null check (status in ('expected', 'held', 'committed', 'released', 'expired', 'rejected')),
  is_confirmed boolean not null default false,
  is_cancelled boolean not null default false,
  ordered jsonb,
  expires_at timestamptz,
  version int not null default 0,
  caused_by uuid,
  correlation_id text,
  traceparent text
);
create index if not exists reservations_held on reservations (expires_at) where status = 'held';

-- What an order took from stock: the lines whose product had a row there.
create table if not exists reserved_pieces (
  order_id uuid not null references reservations,
  product_id text not null,
  qty int not null check (qty > 0),
  primary key (order_id, product_id)
);

-- Events on their way to the broker.
create table if not exists outbox (
  position bigint generated always as identity primary key,
  event_id uuid not null,
  topic text not null,
  event text not null,
  created_at timestamptz not null default now()
);

-- A seed that replaces must not forget pieces that orders hold.
create or replace function refuse_deletion_of_reserved_stock() returns trigger language plpgsql as $$
begin
  raise exception 'orders hold % of %: stock can be deleted when they are done', old.reserved, old.product_id
    using errcode = 'restrict_violation';
end
$$;
create or replace trigger refuse_deletion_of_reserved_stock before delete on stock
  for each row when (old.reserved > 0) execute function refuse_deletion_of_reserved_stock();
