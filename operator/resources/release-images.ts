// Generated from versions.yaml by `npm run generate`: do not edit.

/** The platform release that this operator brings. */
export const RELEASE = '0.1.0';

/** The images of the release, as production pulls them. */
export const RELEASE_IMAGES = {
  operator: 'orderplane/operator:0.1.0',
  services: 'orderplane/services:0.1.0',
  storefront: 'orderplane/storefront:0.1.0',
  postgres: 'postgres:17',
  postgres16: 'postgres:16',
  mongo: 'mongo:8',
  nats: 'nats:2.12',
  redis: 'redis:8',
};

export type ImageName = keyof typeof RELEASE_IMAGES;
