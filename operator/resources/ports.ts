/** Every port, in one place. */
export const PORTS = {
  postgres: 5432,
  mongo: 27017,
  redis: 6379,
  nats: 4222,
  natsMonitoring: 8222,
  gateway: 8080,
  storefront: 3000,
  users: 50051,
  orders: 50052,
  inventory: 50053,
  payments: 50054,
  orderQuery: 50055,
  /** /livez, /readyz and /metrics of the release's services, and of the operator. */
  management: 8081,
} as const;
