import type { OrderLine } from '@orderplane/contracts/events.ts';

/** An order as queries see it. `version` is the place of the last event that was applied among the order's events. */
export interface OrderView {
  readonly id: string;
  /** Of the first line, as are qty and price: what system 1's clients read from the store itself. */
  readonly productId: string;
  readonly qty: number;
  readonly price: number;
  readonly lines: readonly OrderLine[];
  readonly total: number;
  /** Absent: an anonymous order. */
  readonly userId?: string;
  readonly status: OrderStatus;
  readonly cancelReason?: string;
  readonly refunded: boolean;
  readonly version: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export type OrderStatus = 'PENDING' | 'STOCK_RESERVED' | 'PAID' | 'CONFIRMED' | 'CANCELLED';

/** What an event changes. */
export type Change =
  | { readonly kind: 'create'; readonly order: OrderView }
  /** To be made to the order at the version before `version`, and to no other. */
  | { readonly kind: 'advance'; readonly id: string; readonly version: number; readonly to: Advance };

export type Advance = Pick<OrderView, 'status' | 'updatedAt'> & Partial<Pick<OrderView, 'cancelReason' | 'refunded'>>;

/** `applied`: it is in the read model, by this call or one before. `early`: what it builds on is not; nothing was changed. */
export type Applied = 'applied' | 'early';

/** Whose orders: a user's, those of nobody, or everybody's. */
export type Owner = { readonly userId: string } | 'anonymous' | 'anybody';

export interface Page {
  readonly first: number;
  /** Those that are older than the order of this id. */
  readonly after?: string | undefined;
  readonly owner: Owner;
  readonly hiddenProduct: string;
}

/** Where changes go to. Stored for good when `apply` resolves; atomic, and the same however often and however concurrently it is called. */
export interface ChangeTarget {
  apply(change: Change): Promise<Applied>;
}

/** A read model that is built beside the one that serves. */
export interface Rebuild extends ChangeTarget {
  /** From here on, queries and changes see what was built. */
  swapIn(): Promise<void>;
}

/** Where orders are kept for queries. Throws SERVICE_UNAVAILABLE when the store is away. */
export interface OrderReadModel extends ChangeTarget {
  get(id: string): Promise<OrderView | undefined>;
  /** Newest first, without those of the hidden product. */
  list(page: Page): Promise<OrderView[]>;
  /** An empty one; what an earlier rebuild has left behind goes. */
  startRebuild(): Promise<Rebuild>;
  check(): Promise<void>;
  close(): Promise<void>;
}
