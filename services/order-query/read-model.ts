/** An order as queries see it. `version` is the place of the last event that was applied among the order's events. */
export interface OrderView {
  readonly id: string;
  readonly productId: string;
  readonly qty: number;
  readonly price: number;
  readonly status: OrderStatus;
  readonly version: number;
  readonly createdAt: Date;
}

export type OrderStatus = 'PENDING' | 'CONFIRMED' | 'CANCELLED';

/** What an event changes. */
export type Change =
  | { readonly kind: 'create'; readonly order: OrderView }
  /** To be made to the order at the version before `version`, and to no other. */
  | { readonly kind: 'advance'; readonly id: string; readonly version: number; readonly status: OrderStatus };

/** `duplicate`: it was applied before. `early`: an event before it has not been applied yet. Both change nothing. */
export type Applied = 'applied' | 'duplicate' | 'early';

/** Where orders are kept for queries. Throws SERVICE_UNAVAILABLE when the store is away. */
export interface OrderReadModel {
  /** Stored for good when it resolves; atomic, and the same however often and however concurrently it is called. */
  apply(change: Change): Promise<Applied>;
  get(id: string): Promise<OrderView | undefined>;
  /** Newest first: those after (older than) the id, without those of the hidden product. */
  list(page: { first: number; after?: string | undefined; hiddenProduct: string }): Promise<OrderView[]>;
  check(): Promise<void>;
  close(): Promise<void>;
}
