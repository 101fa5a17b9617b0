/**
 * The product that verification orders. Inventory answers for it through its table, so that the whole path is exercised;
 * it is on no list, and can be ordered only with the operator's token.
 */
export const VERIFICATION_PRODUCT = 'orderplane-verification';
