# The server as an image. The sources run as they are (Node 24 strips the types), so what the tests ran is what runs here: there is no
# build whose output could differ, and a stack trace has the source's lines.

FROM node:24.21-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY patches patches/
COPY tools/node24 tools/node24/
# Patches are applied by the root's `dependencies` script, whose tool is a development dependency: first all, then without those. The
# second step runs no script, since their tool is gone by then.
RUN npm ci --no-audit --no-fund && npm prune --omit=dev --ignore-scripts --no-audit --no-fund

FROM node:24.21-slim
ENV NODE_ENV=production APP_HOST=0.0.0.0
WORKDIR /app
# All that the server may write to: a new volume takes owner and mode from here. Everything else is root's, so the tree may be read-only.
RUN install -d -m 0700 -o 1000 -g 1000 data logs
COPY --from=dependencies /app/node_modules node_modules/
COPY package.json LICENSE ./
COPY tools/compose-secrets.ts tools/
COPY src src/
# `node` of the image, by number: an orchestrator that insists on a user other than root cannot look up a name.
USER 1000:1000
VOLUME ["/app/data", "/app/logs"]
EXPOSE 4000 8080
STOPSIGNAL SIGTERM
# Alive, not ready: a server that stands by for another one is well and must not be replaced.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.APP_PORT || 4000}/healthz`).then((reply) => process.exit(reply.ok ? 0 : 1), () => process.exit(1))"]
# `docker run parley --help` reaches the server's own command line.
# Node's default lets short-lived objects take 100 MB after a burst of connections, and gains nothing by it.
ENTRYPOINT ["node", "--max-semi-space-size=16", "src/main.ts"]
CMD []
