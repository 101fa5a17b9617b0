/** Root fields are nullable: one that fails does not take the others of its request with it. */
export const schema = /* GraphQL */ `
  type Query {
    "What can be ordered, by name."
    products(search: String, category: ID, first: Int! = 100, after: String): [Product!]
    product(id: ID!): Product
    categories: [Category!]
    "From the read model: null until the order has arrived there. With minVersion it is waited for, for a bounded time."
    order(id: ID!, minVersion: Int! = 0): Order
    "The caller's, newest first. An admin's list has everybody's."
    orders(first: Int! = 20, after: String): OrderPage
    "Who is logged in."
    me: User
  }

  type Mutation {
    """
    Of one product, or with lines of several. The answer means that the order is stored. The header Idempotency-Key makes repeating it safe.
    """
    createOrder(productId: ID, qty: Int, lines: [NewLine!], payment: PaymentInstruction): CreatedOrder
    "What was reserved and paid for it is given back after the answer."
    cancelOrder(id: ID!): CancelledOrder
  }

  input NewLine {
    productId: ID!
    qty: Int!
  }

  "Paid as soon as the stock is reserved."
  input PaymentInstruction {
    method: String!
    "Stands for a card or an account at the processor."
    token: String!
  }

  type Product {
    id: ID!
    name: String!
    "Of one piece, in the currency's smallest unit."
    price: Int!
    description: String
    categoryId: ID
    "How many can be ordered now. Null: its stock is not kept, and it can always be ordered."
    available: Int
  }

  type Category {
    id: ID!
    name: String!
    "How many products it has."
    products: Int!
  }

  type User {
    id: ID!
    email: String!
    name: String!
    roles: [String!]!
    createdAt: String!
  }

  type CreatedOrder {
    id: ID!
    "Of the first line."
    productId: ID!
    qty: Int!
    total: Int!
    createdAt: String!
    "What to wait for with minVersion."
    version: Int!
  }

  type CancelledOrder {
    id: ID!
    status: OrderStatus!
    version: Int!
  }

  type Order {
    id: ID!
    "Of the first line."
    productId: ID!
    qty: Int!
    lines: [OrderLine!]!
    total: Int!
    status: OrderStatus!
    createdAt: String!
    updatedAt: String
    "How many of the order's events have arrived."
    version: Int!
    cancelReason: String
    "Whether the money was given back."
    refunded: Boolean!
  }

  type OrderLine {
    productId: ID!
    qty: Int!
    "Of one piece, when it was ordered."
    price: Int!
    "As it is now. Null: it is not sold any more."
    product: Product
  }

  enum OrderStatus {
    PENDING
    "It waits for its payment."
    STOCK_RESERVED
    PAID
    CONFIRMED
    CANCELLED
  }

  type OrderPage {
    items: [Order!]!
    "To be passed as after for the next page; null on the last."
    next: String
  }
`;
