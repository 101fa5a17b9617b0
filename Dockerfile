# What a release runs: three targets on one base. Every file of our own comes from `npm run build`, so that a build needs no network and is
# the same for Docker and for buildah; locally, a stand-in has the name of the Postgres image.
FROM debian:trixie-slim AS base
# Node's binary, and the one library it needs that the base image lacks.
COPY dist/node/lib/ /usr/lib/x86_64-linux-gnu/
COPY dist/node/bin/ /usr/local/bin/
ENV NODE_ENV=production
WORKDIR /app
USER 65532:65532

# The programs that take restore points, as new as the newest server that a release deploys, with all that they load: whatever they were made for.
FROM postgres:17 AS postgres-client
USER root
RUN mkdir -p /client/bin /client/lib && cd /usr/lib/postgresql/*/bin && cp pg_dump pg_restore psql /client/bin/ \
 && ldd /client/bin/* | awk '/=> \//{print $3}' | sort -u | xargs cp -L -t /client/lib \
 && cp -L "$(ldd /client/bin/psql | awk '/ld-linux/{print $1}')" /client/lib/ld.so

FROM base AS operator
COPY --from=postgres-client /client/ /opt/postgres/
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
