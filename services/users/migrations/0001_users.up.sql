create table if not exists users (
  id uuid primary key default gen_random_uuid(),
  -- Trimmed, in lower case, in Unicode's form NFC: as normalised, so unique.
  email text not null,
  name text not null default '',
  -- argon2id in the PHC string format. Empty: nobody can log in.
  password_hash text not null default '',
  -- Counts the passwords. A login that was made with another one is over.
  password_version int not null default 1,
  role text not null default 'customer' check (role in ('customer', 'admin')),
  created_at timestamptz not null default now(),
  constraint users_email unique (email)
);

-- A login: the one refresh token that works, and the one before it. Used only where there is no Redis.
create table if not exists sessions (
  id uuid primary key,
  user_id uuid not null,
  password_version int not null,
  token_hash bytea not null,
  previous_hash bytea,
  exchanged_at timestamptz,
  expires_at timestamptz not null
);
create index if not exists sessions_expires_at on sessions (expires_at);

-- Tokens of a login that were exchanged and would still be valid.
create table if not exists used_tokens (
  session_id uuid not null references sessions (id) on delete cascade,
  token_hash bytea not null,
  expires_at timestamptz not null,
  primary key (session_id, token_hash)
);

-- What access tokens are signed with.
create table if not exists signing_keys (
  id text primary key,
  active_from timestamptz not null,
  public_key jsonb not null,
  -- Encrypted with the secret that `sealed_by` is a fingerprint of.
  private_key bytea not null,
  sealed_by text not null
);
