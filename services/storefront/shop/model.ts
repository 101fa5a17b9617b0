/** What the gateway answers, as far as the shop uses it. Amounts are integers in minor units: 199 is 1.99. */
export interface Product {
  id: string;
  name: string;
  price: number;
  description?: string;
  categoryId?: string;
  /** Absent: its stock is not kept, and it can always be ordered. */
  available?: number;
}

export interface Page<Item> {
  items: Item[];
  next: string | null;
}

export interface Category {
  id: string;
  name: string;
  products: number;
}

export type OrderStatus = 'PENDING' | 'STOCK_RESERVED' | 'PAID' | 'CONFIRMED' | 'CANCELLED';

export interface OrderLine {
  productId: string;
  qty: number;
  price: number;
}

/** An order as the read model has it. */
export interface Order {
  id: string;
  status: OrderStatus;
  version: number;
  lines: OrderLine[];
  total: number;
  cancelReason?: string;
  refunded: boolean;
  createdAt: string;
  updatedAt?: string;
}

export interface CreatedOrder {
  id: string;
  total: number;
  version: number;
  createdAt: string;
}

export interface TraceStep {
  type: string;
  service: string;
  occurredAt: string;
  detail?: string;
}

export interface Profile {
  id: string;
  email: string;
  name: string;
}
