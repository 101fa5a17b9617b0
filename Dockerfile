# What a release runs: three targets on one base. Every file comes from `npm run build`, so that a build needs no network and is the same
# for Docker and for buildah.
FROM debian:trixie-slim AS base
# Node's binary, and the one library it needs that the base image lacks.
COPY dist/node/lib/ /usr/lib/x86_64-linux-gnu/
COPY dist/node/bin/ /usr/local/bin/
ENV NODE_ENV=production
WORKDIR /app
USER 65532:65532

FROM base AS operator
COPY dist/operator/ /app/
ENTRYPOINT ["node", "/app/orderplane.mjs"]
CMD ["run"]

# One image for all services; each Deployment names its own program: node /app/<service>/server.mjs
FROM base AS services
COPY dist/services/ /app/

FROM base AS storefront
COPY services/storefront/dist/ /app/
ENV HOSTNAME=0.0.0.0 PORT=3000 NEXT_TELEMETRY_DISABLED=1
ENTRYPOINT ["node", "/app/server.js"]
