/** The GraphQL operations of the shop and the shapes of their answers. */

/** `price` is an integer in minor units: 199 is 1.99. The platform names no currency. */
export interface Product {
  id: string;
  name: string;
  price: number;
}

/** An order as the read model has it. */
export interface Order {
  id: string;
  productId: string;
  qty: number;
  status: string;
  createdAt: string;
  version: number;
}

export type AcceptedOrder = Pick<Order, 'id' | 'productId' | 'qty' | 'createdAt'>;

export interface OrderPage {
  items: Order[];
  next: string | null;
}

/** `Data` and `Variables` tie a document to its types; only the name and the text exist at run time. */
export interface Operation<Data, Variables> {
  name: string;
  query: string;
  types?: (variables: Variables) => Data;
}

const ORDER_FIELDS = 'id productId qty status createdAt version';

export const listProducts: Operation<{ products: Product[] }, Record<string, never>> = {
  name: 'Products',
  query: 'query Products { products { id name price } }',
};

export const listOrders: Operation<{ orders: OrderPage }, { first: number }> = {
  name: 'Orders',
  query: `query Orders($first: Int!) { orders(first: $first) { items { ${ORDER_FIELDS} } next } }`,
};

export const findOrder: Operation<{ order: Order | null }, { id: string }> = {
  name: 'Order',
  query: `query Order($id: ID!) { order(id: $id) { ${ORDER_FIELDS} } }`,
};

export const createOrder: Operation<{ createOrder: AcceptedOrder }, { productId: string; qty: number }> = {
  name: 'CreateOrder',
  query:
    'mutation CreateOrder($productId: ID!, $qty: Int!) { createOrder(productId: $productId, qty: $qty) { id productId qty createdAt } }',
};
