/** How many recent orders the page has at first, adds on request, and shows at most. */
export const ORDERS_AT_FIRST = 8;
export const ORDERS_MORE = 12;
export const ORDERS_AT_MOST = 100;
