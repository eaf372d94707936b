# One image for every role; which ones run in a container is said by ROLES. It needs the backing services by URL
# (compose.yaml), so it leaves the embedded PostgreSQL and all development dependencies out.
FROM node:24-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --omit=optional

FROM node:24-bookworm-slim
ENV NODE_ENV=production HOST=0.0.0.0 PORT=8080 DATA_DIR=/data LOG_FILE=-
WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
COPY package.json ./
COPY src ./src
COPY presets ./presets
RUN install --directory --owner=node --group=node --mode=0700 /data
USER node
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=5s --timeout=3s --start-period=20s --retries=6 \
  CMD ["node", "-e", "if (!(process.env.ROLES ?? 'api').includes('api')) process.exit(0); fetch(`http://127.0.0.1:${process.env.PORT}/readyz`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# Node itself is the main process, so that SIGTERM reaches it and it drains before it ends.
CMD ["node", "--disable-warning=ExperimentalWarning", "--disable-warning=DEP0123", "--max-old-space-size=1024", "--initial-old-space-size=64", "--no-allocation-site-pretenuring", "--max-semi-space-size=16", "src/main.ts"]
