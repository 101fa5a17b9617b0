-- What is known of an order, locked by whoever charges it, cancels it or gives its money back. Without an amount it is a tombstone: its
-- cancellation was heard of first. `version` counts the events about the order that this service has sent.
create table if not exists payables (
  order_id uuid primary key,
  user_id uuid,
  amount int check (amount >= 0),
  is_cancelled boolean not null default false,
  version int not null default 0,
  caused_by uuid,
  cancelled_by uuid,
  correlation_id text,
  traceparent text
);

-- One an order. Its id is the key under which the processor charges at most once. `attempt_at`: when it is anybody's to ask the
-- processor again, should nobody have finished by then.
create table if not exists payments (
  id uuid primary key,
  order_id uuid not null references payables,
  user_id uuid,
  amount int not null check (amount >= 0),
  method text not null,
  token text not null,
  status text not null check (status in ('PENDING', 'SUCCEEDED', 'FAILED', 'REFUNDED')),
  failure_reason text,
  is_refund_wanted boolean not null default false,
  idempotency_key text,
  attempt_at timestamptz not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  constraint payments_order unique (order_id),
  constraint payments_failure check ((status = 'FAILED') = (failure_reason is not null))
);
create unique index if not exists payments_idempotency_key
  on payments (coalesce(user_id, '00000000-0000-0000-0000-000000000000'), idempotency_key);
create index if not exists payments_unsettled on payments (attempt_at) where status = 'PENDING' or (status = 'SUCCEEDED' and is_refund_wanted);
create index if not exists payments_newest on payments (created_at desc, id desc);
create index if not exists payments_of_user on payments (user_id, created_at desc, id desc);

-- The books of the sandbox processor, which is another company's system: written in transactions of its own. `reference` is the order.
create table if not exists sandbox_charges (
  key text primary key,
  reference text not null,
  amount int not null,
  outcome text not null,
  requests int not null default 1,
  charged_at timestamptz not null default clock_timestamp(),
  refunded_at timestamptz
);

-- Events on their way to the broker.
create table if not exists outbox (
  position bigint generated always as identity primary key,
  event_id uuid not null,
  topic text not null,
  event text not null,
  created_at timestamptz not null default now()
);
