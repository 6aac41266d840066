# Tollgate as one container. Runs the source as written; nothing is compiled.
FROM node:20-bookworm-slim
WORKDIR /app
ENV NODE_ENV=production \
    TOLLGATE_DATA_DIR=/var/lib/tollgate \
    TOLLGATE_POLICIES_DIR=/etc/tollgate/policies \
    TOLLGATE_LISTEN=0.0.0.0:8787 \
    TOLLGATE_ADMIN_LISTEN=0.0.0.0:8788
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund
COPY bin ./bin
COPY src ./src
COPY policies ./policies
RUN install -d -o node -g node /var/lib/tollgate /etc/tollgate/policies
USER node
VOLUME ["/var/lib/tollgate", "/etc/tollgate/policies"]
EXPOSE 8787 8788
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8788/ready').then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "bin/tollgate.mjs", "start"]
