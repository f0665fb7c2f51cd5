# The Cloud Tasks emulator alone:
#
#   docker build --tag pageturner-emulator .
#   docker run --rm --publish 127.0.0.1:8123:8123 pageturner-emulator
#
# How it is used with Compose, Testcontainers and host.docker.internal is in docs/docker.md.
ARG NODE_IMAGE=node:24-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /source
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY . .
RUN mkdir /package && npm pack --pack-destination /package
# As a user of the package installs it, without what only its development needs.
WORKDIR /installed
RUN npm install --no-audit --no-fund --omit=dev --omit=peer /package/*.tgz

FROM ${NODE_IMAGE}
COPY --from=build /installed/node_modules /opt/pageturner/node_modules
# A configuration may be mounted at /config/emulator.config.json, and a volume for `--data /data/tasks.db` at /data.
RUN mkdir /config /data && chown node:node /data
WORKDIR /config
VOLUME /data
USER node
EXPOSE 8123
# Inside of the container it listens at all addresses, and says so; who reaches it from outside is up to `--publish`.
ENTRYPOINT ["node", "/opt/pageturner/node_modules/pageturner/bin/pageturner.js", "emulator", "--host", "0.0.0.0", "--port", "8123"]
HEALTHCHECK --interval=5s --timeout=3s --start-period=10s \
  CMD ["node", "--eval", "fetch('http://127.0.0.1:8123/readyz').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
