/** Root fields are nullable: one that fails does not take the others of its request with it. */
export const schema = /* GraphQL */ `
  type Query {
    "What can be ordered."
    products: [Product!]
    product(id: ID!): Product
    "From the read model: null until the order has arrived there."
    order(id: ID!): Order
    "Newest first."
    orders(first: Int! = 20, after: String): OrderPage
  }

  type Mutation {
    "The answer means that the order is stored. The header Idempotency-Key makes repeating it safe."
    createOrder(productId: ID!, qty: Int!): CreatedOrder
    "Only with a verification token, and only for its orders."
    cancelOrder(id: ID!): CancelledOrder
  }

  type Product {
    id: ID!
    name: String!
    "Of one piece, in the currency's smallest unit."
    price: Int!
  }

  type CreatedOrder {
    id: ID!
    productId: ID!
    qty: Int!
    createdAt: String!
  }

  type CancelledOrder {
    id: ID!
    status: OrderStatus!
  }

  type Order {
    id: ID!
    productId: ID!
    qty: Int!
    status: OrderStatus!
    createdAt: String!
    "How many of the order's events have arrived."
    version: Int!
  }

  enum OrderStatus {
    PENDING
    CONFIRMED
    CANCELLED
  }

  type OrderPage {
    items: [Order!]!
    "To be passed as after for the next page; null on the last."
    next: String
  }
`;
